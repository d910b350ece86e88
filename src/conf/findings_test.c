// SPDX-License-Identifier: Apache-2.0
/* What is found in a configuration, and where. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/table.h"

/* Texts are written with ' for ". A ^ marks the place of the next expected finding and is not part
 * of the text. */
#define CAM "'cameras': {'RTSP_STREAMS': [{'name': 'a', 'url': 'rtsp://h/s'}]}"
#define WITH(section, body) "{\n '" section "': {" body "},\n " CAM "}"
#define STREAMS(body) "{'cameras': {'RTSP_STREAMS': " body "}}"
#define CAMERA(body) STREAMS("[{'name': 'a', 'url': 'rtsp://h/s', " body "}]")

/* `expected`: "code key" of each finding in the order of the file, separated by ';'. E, W, I, O in
 * front is the severity. A '-' in front of that: the finding has no place. */
struct sample {
    const char *text, *expected, *backend;
};

static const struct sample syntax_samples[] = {
    {"{" CAM "}", ""},
    {"{'$schema': 'x', '$kept': {'x': 1}, '$stage': 2, " CAM "}", ""},
    {"{^'$keep': {}, " CAM "}", "Eunknown_section $keep"},
    {"^", "Esyntax "},
    {"{'a': ^x}", "Esyntax "},
    {"{'a': ^NaN}", "Esyntax "},
    {"{'a': ^Infinity}", "Esyntax "},
    {"{'a': ^-Infinity}", "Esyntax "},
    {"{'a': 1^", "Esyntax "},
    {"{'a': 1,\n^}", "Esyntax "},
    {"{" CAM "} ^x", "Etrailing_garbage "},
    {"{" CAM "}\n\n^{}", "Etrailing_garbage "},
    {"^\xEF\xBB\xBF{" CAM "}", "Eencoding "},
    {"^[]", "Ewrong_type "},
    {"{'app': ^[], " CAM "}", "Ewrong_type app"},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[^[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "Etoo_deep "},
    {"{^'modls': {}, " CAM "}", "Eunknown_section modls"},
    {"{^'GPU_BATCH_SIZE': 1, " CAM "}", "Eunknown_section GPU_BATCH_SIZE"},
    {"{'app': {}, ^'app': {}, " CAM "}", "Eduplicate_key app"},
    {WITH("app", "'DEBUG': true,\n ^'DEBUG': true"), "Eduplicate_key app.DEBUG"},
    {WITH("app", "'APP_NAME': 'größe', ^'APP_NAM': 'x'"), "Eunknown_key app.APP_NAM"},
    {WITH("app", "^'MODEL_PATH': 'x'"), "Eunknown_key app.MODEL_PATH"},
};

static const struct sample value_samples[] = {
    {WITH("processing", "'MAX_QUEUE_SIZE': ^'20'"), "Ewrong_type processing.MAX_QUEUE_SIZE"},
    {WITH("processing", "'MAX_QUEUE_SIZE': ^2.5"), "Ewrong_type processing.MAX_QUEUE_SIZE"},
    {WITH("processing", "'MAX_QUEUE_SIZE': ^null"), "Ewrong_type processing.MAX_QUEUE_SIZE"},
    {WITH("processing", "'MAX_QUEUE_SIZE': ^0"), "Eout_of_range processing.MAX_QUEUE_SIZE"},
    {WITH("processing", "'MAX_QUEUE_SIZE': ^9223372036854775807"),
     "Eout_of_range processing.MAX_QUEUE_SIZE"},
    {WITH("processing", "'MAX_QUEUE_SIZE': 30"), ""},
    {WITH("processing", "'MAX_QUEUE_SIZE': ^31"), "Wcostly processing.MAX_QUEUE_SIZE"},
    {WITH("processing", "'NVDEC_BUFFER_SIZE': ^0"), "Eout_of_range processing.NVDEC_BUFFER_SIZE"},
    {WITH("processing", "'NVDEC_BUFFER_SIZE': 10"), ""},
    {WITH("processing", "'NVDEC_BUFFER_SIZE': ^11"), "Wcostly processing.NVDEC_BUFFER_SIZE"},
    {WITH("processing", "'NVDEC_BUFFER_SIZE': ^32"), "Wcostly processing.NVDEC_BUFFER_SIZE"},
    {WITH("processing", "'NVDEC_BUFFER_SIZE': ^33"), "Eout_of_range processing.NVDEC_BUFFER_SIZE"},
    {WITH("processing", "'GPU_BATCH_SIZE': ^0"), "Eout_of_range processing.GPU_BATCH_SIZE"},
    {WITH("processing", "'GPU_BATCH_SIZE': 4"), ""},
    {WITH("processing", "'GPU_BATCH_SIZE': 'auto'"), ""},
    {WITH("processing", "'GPU_BATCH_SIZE': ^'many'"), "Ewrong_type processing.GPU_BATCH_SIZE"},
    {WITH("processing", "'GPU_BATCH_SIZE': ^^5"),
     "Wcostly processing.GPU_BATCH_SIZE;Ebatch_too_large processing.GPU_BATCH_SIZE"},
    {WITH("processing", "'PIPELINE_QUEUE_TIMEOUT_MS': ^0"),
     "Eout_of_range processing.PIPELINE_QUEUE_TIMEOUT_MS"},
    {WITH("processing", "'PIPELINE_QUEUE_TIMEOUT_MS': 50"), ""},
    {WITH("processing", "'PIPELINE_QUEUE_TIMEOUT_MS': ^50.5"),
     "Wcostly processing.PIPELINE_QUEUE_TIMEOUT_MS"},
    {WITH("processing", "'UNIFIED_PIPELINE_THREADS': null"), ""},
    {WITH("processing", "'UNIFIED_PIPELINE_THREADS': ^0"),
     "Eout_of_range processing.UNIFIED_PIPELINE_THREADS"},
    {WITH("processing", "'ANALYSIS_FRAME_INTERVAL': ^0"),
     "Eout_of_range processing.ANALYSIS_FRAME_INTERVAL"},
    {WITH("processing", "'FRAME_SKIP': ^-1"), "Eout_of_range processing.FRAME_SKIP"},
    {WITH("processing", "'FRAME_SKIP': 0"), ""},
    {WITH("processing", "'FRAME_SKIP': 1"), ""},
    {WITH("processing", "'AUTO_FRAME_SKIP': ^false"), "Inot_needed processing.AUTO_FRAME_SKIP"},
    {WITH("processing", "'TARGET_FPS': ^0"), "Eout_of_range processing.TARGET_FPS"},
    {WITH("processing", "'PROFILING_SAMPLING_RATE': ^0"),
     "Eout_of_range processing.PROFILING_SAMPLING_RATE"},
    {WITH("processing", "^'GPU_MEMORY_DEFRAG_INTERVAL': 500"),
     "Inot_needed processing.GPU_MEMORY_DEFRAG_INTERVAL"},
    {WITH("processing", "'GPU_MEMORY_DEFRAG_INTERVAL': ^-1"),
     "Eout_of_range processing.GPU_MEMORY_DEFRAG_INTERVAL"},
    {WITH("processing", "'GPU_MEMORY_POOL_SIZE_MB': ^1001"), "Wcostly "
                                                             "processing.GPU_MEMORY_POOL_SIZE_MB"},
    {WITH("processing", "^'UNIFIED_PIPELINE_THREADS': 2"),
     "Inot_needed processing.UNIFIED_PIPELINE_THREADS"},
    {WITH("processing", "'UNIFIED_PIPELINE_THREADS': 1"), ""},
    {WITH("processing", "'ON_PIXEL_COPY': 'exit', 'ON_GPU_LOSS': 'stay'"), ""},
    {WITH("processing", "'ON_PIXEL_COPY': ^'stay'"), "Ebad_value processing.ON_PIXEL_COPY"},
    {WITH("processing", "'ON_GPU_LOSS': ^'stay'"), "Inot_used processing.ON_GPU_LOSS", "cpu"},
    {WITH("processing", "'UNIFIED_PIPELINE_THREADS': 'auto'"), ""},
    {WITH("processing", "'ENABLE_MEMORY_POOLING': ^false"),
     "Inot_used processing.ENABLE_MEMORY_POOLING", "cpu"},
    {WITH("processing", "'ENABLE_MEMORY_POOLING': ^false"),
     "Wcostly processing.ENABLE_MEMORY_POOLING"},
    {WITH("processing", "'THREAD_PRIORITY': ^'HIHG'"), "Ebad_value processing.THREAD_PRIORITY"},
    {WITH("processing", "'DECODER_THREAD_PRIORITY': ^3"),
     "Ewrong_type processing.DECODER_THREAD_PRIORITY"},
    {WITH("processing", "'BACKEND': ^'tpu'"), "Ebad_value processing.BACKEND"},
    {WITH("models", "'MODEL_CONFIDENCE_THRESHOLD': ^1.5"),
     "Eout_of_range models.MODEL_CONFIDENCE_THRESHOLD"},
    {WITH("models", "'MODEL_CONFIDENCE_THRESHOLD': 1, 'MODEL_IOU_THRESHOLD': 0"), ""},
    {WITH("models", "'MODEL_IOU_THRESHOLD': ^-0.1"), "Eout_of_range models.MODEL_IOU_THRESHOLD"},
    {WITH("models", "'TARGET_CLASSES': ['person', 2, ^true, ^-1]"),
     "Ewrong_type models.TARGET_CLASSES[2];Ewrong_type models.TARGET_CLASSES[3]"},
    {WITH("models", "'TENSORRT_WORKSPACE_SIZE': ^0"),
     "Eout_of_range models.TENSORRT_WORKSPACE_SIZE"},
    {WITH("models", "'WARM_UP_ITERATIONS': ^-1"), "Eout_of_range models.WARM_UP_ITERATIONS"},
    {WITH("models", "^'REID_MODEL_PATH': 'x'"), "Wno_effect_yet models.REID_MODEL_PATH"},
    {WITH("models", "'REID_MODEL_PATH': null"), ""},
    {WITH("tracking", "'TRACK_THRESH': ^0"), "Eout_of_range tracking.TRACK_THRESH"},
    {WITH("tracking", "^'FRAME_RATE': 30"), "Inot_needed tracking.FRAME_RATE"},
    {WITH("tracking", "'ENABLE_TRACKING': false"), ""},
    {WITH("tracking", "'ENABLE_TRACKING': true"), ""},
    {WITH("visualization", "'JPEG_QUALITY': ^101"), "Eout_of_range visualization.JPEG_QUALITY"},
    {WITH("visualization", "^'NVENC_BITRATE': 5"), "Wno_effect_yet visualization.NVENC_BITRATE"},
    {WITH("visualization", "^'NVENC_': 5"), "Eunknown_key visualization.NVENC_"},
    {WITH("output", "'OUTPUT_DIR': ^''"), "Ebad_value output.OUTPUT_DIR"},
    {WITH("output", "'OUTPUT_DIR': ^'a\\u0007b'"), "Ebad_value output.OUTPUT_DIR"},
    {WITH("output", "'SAVE_FRAMES': ^1"), "Ewrong_type output.SAVE_FRAMES"},
    {WITH("app", "'LOG_LEVEL': ^25"), "Ebad_value app.LOG_LEVEL"},
    {WITH("app", "'LOG_LEVEL': 'INFO', 'LOG_FILE': null"), ""},
};

static const struct sample rule_samples[] = {
    {WITH("processing", "'USE_UNIFIED_GPU_PIPELINE': ^false"),
     "Egpu_only_conflict processing.USE_UNIFIED_GPU_PIPELINE"},
    {WITH("processing", "'USE_UNIFIED_GPU_PIPELINE': ^false, 'BACKEND': 'cpu'"),
     "Inot_used processing.USE_UNIFIED_GPU_PIPELINE"},
    {WITH("processing", "'USE_UNIFIED_GPU_PIPELINE': ^false"),
     "Inot_used processing.USE_UNIFIED_GPU_PIPELINE", "cpu"},
    {WITH("processing", "'USE_UNIFIED_GPU_PIPELINE': ^false, 'BACKEND': 'cpu'"),
     "Egpu_only_conflict processing.USE_UNIFIED_GPU_PIPELINE", "gpu"},
    {WITH("processing", "'ENABLE_DECOUPLED_PIPELINE': ^true"),
     "Egpu_only_conflict processing.ENABLE_DECOUPLED_PIPELINE"},
    {WITH("processing", "'ENABLE_MULTIPROCESSING': ^true"),
     "Egpu_only_conflict processing.ENABLE_MULTIPROCESSING"},
    {WITH("processing", "'ENABLE_NVDEC': ^false"), "Egpu_only_conflict processing.ENABLE_NVDEC"},
    {WITH("processing", "'ENABLE_NVDEC': true"), ""},
    {WITH("processing", "'NVDEC_FALLBACK_TO_CPU': ^true"),
     "Egpu_only_conflict processing.NVDEC_FALLBACK_TO_CPU"},
    {WITH("processing", "'ENABLE_GPU_PREPROCESSING': ^false"),
     "Egpu_only_conflict processing.ENABLE_GPU_PREPROCESSING"},
    {WITH("processing", "'GPU_PREPROCESSING_DEVICE': ^'cuda:1'"),
     "Egpu_only_conflict processing.GPU_PREPROCESSING_DEVICE"},
    {WITH("processing", "'GPU_PREPROCESSING_DEVICE': ^'cuda:1'"),
     "Inot_used processing.GPU_PREPROCESSING_DEVICE", "cpu"},
    {WITH("processing", "'GPU_PREPROCESSING_DEVICE': 'cuda:1'}, 'models': {'DEVICE': 'cuda:1'"),
     ""},
    {WITH("models", "'DEVICE': ^'cuda'"), "Eunknown_device models.DEVICE"},
    {WITH("models", "'DEVICE': ^'cpu'"), "Egpu_only_conflict models.DEVICE"},
    {WITH("models", "'DEVICE': ^'cpu'"), "Inot_used models.DEVICE", "cpu"},
    {WITH("models", "'ENABLE_TENSORRT': ^false"), "Egpu_only_conflict models.ENABLE_TENSORRT"},
    {WITH("models", "'TENSORRT_FP16': ^false"), "Wcostly models.TENSORRT_FP16"},
    {WITH("models", "'TENSORRT_WORKSPACE_SIZE': ^5"), "Wcostly models.TENSORRT_WORKSPACE_SIZE"},
    {WITH("models", "'FORCE_GPU_ONLY': ^false"), "Egpu_only_conflict models.FORCE_GPU_ONLY"},
    {WITH("models", "'INFERENCE_PROVIDER': ^'cpu'"),
     "Egpu_only_conflict models.INFERENCE_PROVIDER"},
    {WITH("models", "'INFERENCE_PROVIDER': 'cpu'"), "", "cpu"},
    {WITH("models", "'INFERENCE_PROVIDER': ^'cuda'"), "Wcostly models.INFERENCE_PROVIDER"},
    {WITH("models", "'INFERENCE_PROVIDER': ^'tensorrt'"), "Inot_used models.INFERENCE_PROVIDER",
     "cpu"},
    {WITH("models", "'INFERENCE_PROVIDER': 'tensorrt-rtx'"), ""},
    {WITH("models", "'TENSORRT_MAX_BATCH_SIZE': ^1"),
     "Ebatch_too_large models.TENSORRT_MAX_BATCH_SIZE"},
    {WITH("models", "'TENSORRT_MAX_BATCH_SIZE': 2"), ""},
    {WITH("processing", "'ENABLE_PROFILING': true, 'PROFILING_SAMPLING_RATE': ^49"),
     "Wcostly processing.PROFILING_SAMPLING_RATE"},
    {WITH("processing", "'ENABLE_PIPELINE_VALIDATION': ^false"),
     "Inot_needed processing.ENABLE_PIPELINE_VALIDATION"},
    {WITH("processing",
          "^'ENABLE_THREADING': true, ^'DEEPSTREAM_X': 1, ^'DEEPSTREAM_MUX_BATCH_SIZE': 4"),
     "Oobsolete processing.ENABLE_THREADING;Oobsolete processing.DEEPSTREAM_X;Oobsolete "
     "processing.DEEPSTREAM_MUX_BATCH_SIZE"},
    {WITH("tracking", "'TRACK_LOW_THRESH': ^0.3"), "Ethreshold_order tracking.TRACK_LOW_THRESH"},
    {WITH("websocket", "^'HOST': ^'0.0.0.0'"),
     "Wno_effect_yet websocket.HOST;Wopen_to_network websocket.HOST"},
    {WITH("websocket", "^'HOST': '0.0.0.0', 'ENABLE_SERVER': false"),
     "Wno_effect_yet websocket.HOST"},
};

static const struct sample camera_samples[] = {
    {"^{^'modls': {}}", "Eno_source cameras.RTSP_STREAMS;Eunknown_section modls"},
    {"{^'camera': {}}", "Eunknown_section camera"},
    {"{'app': {'DEBUG': ^1}, 'cameras': {^'RTSP_STREAMS': []}}",
     "Ewrong_type app.DEBUG;Eno_source cameras.RTSP_STREAMS"},
    {STREAMS("[{'url': 'rtsp://h', 'enabled': ^'no'}]"),
     "Ewrong_type cameras.RTSP_STREAMS[0].enabled"},
    {"^{}", "Eno_source cameras.RTSP_STREAMS"},
    {"{^'cameras': {}}", "Eno_source cameras.RTSP_STREAMS"},
    {"{'cameras': {^'RTSP_STREAMS': []}}", "Eno_source cameras.RTSP_STREAMS"},
    {"{'cameras': {^'RTSP_STREAMS': [{'url': 'rtsp://h', 'enabled': false}]}}",
     "Eno_source cameras.RTSP_STREAMS"},
    {"{'cameras': {^'VIDEO_FILES': ['x.mp4'], ^'USE_WEBCAM': true, ^'RTSP_STREAMS': []}}",
     "Wno_effect_yet cameras.VIDEO_FILES;Wno_effect_yet cameras.USE_WEBCAM;Eno_source "
     "cameras.RTSP_STREAMS"},
    {STREAMS("^'rtsp://h'"), "Ewrong_type cameras.RTSP_STREAMS"},
    {STREAMS("^{'name': 'a', 'url': 'rtsp://h'}"), "Ewrong_type cameras.RTSP_STREAMS"},
    {STREAMS("[^1]"), "Ewrong_type cameras.RTSP_STREAMS[0]"},
    {STREAMS("[^{'name': 'a'}]"), "Emissing_key cameras.RTSP_STREAMS[0]"},
    {STREAMS("[{'name': 'a', 'url': ^'http://h'}]"), "Ebad_url cameras.RTSP_STREAMS[0].url"},
    {STREAMS("[{'name': 'a', 'url': ^'rtsp://h:0/'}]"), "Ebad_url cameras.RTSP_STREAMS[0].url"},
    {STREAMS("[{'name': 'a', 'url': ^5}]"), "Ewrong_type cameras.RTSP_STREAMS[0].url"},
    {STREAMS("[{'name': 'a', 'url': ^'rtsp://u:p@h'}]"),
     "Wcredentials_in_url cameras.RTSP_STREAMS[0].url"},
    {STREAMS("[{'name': 'a', 'url': 'rtsp://h'},\n{'name': ^'a', 'url': 'rtsp://i'}]"),
     "Eduplicate_camera cameras.RTSP_STREAMS[1].name"},
    {STREAMS("[{'name': ^'a/b', 'url': 'rtsp://h'}]"), "Ebad_name cameras.RTSP_STREAMS[0].name"},
    {STREAMS("[{'name': ^'..', 'url': 'rtsp://h'}]"), "Ebad_name cameras.RTSP_STREAMS[0].name"},
    {STREAMS("[{'name': ^'u:secret@h', 'url': 'rtsp://h'}]"),
     "Ebad_name cameras.RTSP_STREAMS[0].name"},
    {STREAMS("[{'name': ^'', 'url': 'rtsp://h'}]"), "Ebad_value cameras.RTSP_STREAMS[0].name"},
    {STREAMS("[{'name': '1234567890123456789012345678901234567890123456789012345678901234', 'url': "
             "'rtsp://h'}]"),
     ""},
    {STREAMS("[{'name': ^'12345678901234567890123456789012345678901234567890123456789012345', "
             "'url': 'rtsp://h'}]"),
     "Ebad_name cameras.RTSP_STREAMS[0].name"},
    {"{'cameras': {^'RTSP_STREAMS': ['rtsp://h', 'rtsp://i']}}",
     "Oolder_form cameras.RTSP_STREAMS"},
    {"{'cameras': {^'RTSP_STREAMS': {'gate': 'rtsp://h', 'door': ^'rtsp:/i'}}}",
     "Oolder_form cameras.RTSP_STREAMS;Ebad_url cameras.RTSP_STREAMS.door"},
    {"{'cameras': {^'RTSP_STREAMS': {'gate': 'rtsp://h', ^'gate': 'rtsp://i'}}}",
     "Oolder_form cameras.RTSP_STREAMS;Eduplicate_camera cameras.RTSP_STREAMS.gate"},
    {CAMERA("^'widht': 3"), "Eunknown_key cameras.RTSP_STREAMS[0].widht"},
    {CAMERA("^'width': 640, ^'height': 480"),
     "Inot_needed cameras.RTSP_STREAMS[0].width;Inot_needed cameras.RTSP_STREAMS[0].height"},
    {CAMERA("^'GATHER_MS': 5"), "Eunknown_key cameras.RTSP_STREAMS[0].GATHER_MS"},
    {"{'cameras': {^'url': 'rtsp://h', 'RTSP_STREAMS': [{'url': 'rtsp://h'}]}}",
     "Eunknown_key cameras.url"},
    {CAMERA("'TRANSPORT': ^'http'"), "Enot_supported cameras.RTSP_STREAMS[0].TRANSPORT"},
    {CAMERA("'TRANSPORT': ^'quic'"), "Ebad_value cameras.RTSP_STREAMS[0].TRANSPORT"},
    {CAMERA("'STALL_TIMEOUT_S': ^0"), "Eout_of_range cameras.RTSP_STREAMS[0].STALL_TIMEOUT_S"},
    {CAMERA("'BACKOFF_INITIAL_S': ^61"),
     "Ebackoff_order cameras.RTSP_STREAMS[0].BACKOFF_INITIAL_S"},
    {CAMERA("'ZONES': [], 'DECODE_MODE': 'all'"), ""},
    {CAMERA("'DECODE_MODE': 'Key'"), ""},
    {CAMERA("'DECODE_MODE': 3"), ""},
    {CAMERA("'DECODE_MODE': ^0"), "Eout_of_range cameras.RTSP_STREAMS[0].DECODE_MODE"},
    {CAMERA("'DECODE_MODE': ^'keys'"), "Ebad_value cameras.RTSP_STREAMS[0].DECODE_MODE"},
    {CAMERA("'DECODE_MODE': ^true"), "Ewrong_type cameras.RTSP_STREAMS[0].DECODE_MODE"},
    {CAMERA("^'url': 'rtsp://h'"), "Eduplicate_key cameras.RTSP_STREAMS[0].url"},
    {CAMERA("'PASSWORD_ENV': ^'X'"), "Ebad_credentials cameras.RTSP_STREAMS[0].PASSWORD_ENV"},
    {CAMERA("'USERNAME': 'u', 'PASSWORD_ENV': 'X', 'PASSWORD_FILE': ^'/x'"),
     "Ebad_credentials cameras.RTSP_STREAMS[0].PASSWORD_FILE"},
    {CAMERA("'USERNAME': 'u', 'PASSWORD_ENV': ^'hunter-2'"),
     "Ebad_credentials cameras.RTSP_STREAMS[0].PASSWORD_ENV"},
    {CAMERA("'USERNAME': ^'a:b'"), "Ebad_credentials cameras.RTSP_STREAMS[0].USERNAME"},
    {CAMERA("'USERNAME': 'u', 'PASSWORD_ENV': ^'FOVEA_TEST_UNSET'"),
     "Emissing_secret cameras.RTSP_STREAMS[0].PASSWORD_ENV"},
    {CAMERA("'USERNAME': 'u', 'PASSWORD_FILE': ^'/nonexistent/x'"),
     "Emissing_secret cameras.RTSP_STREAMS[0].PASSWORD_FILE"},
    {CAMERA("'USERNAME': 'u', 'PASSWORD_FILE': '/nonexistent/x', 'enabled': false}, {'name': 'b', "
            "'url': 'rtsp://h'"),
     ""},
};

/* A zone and a line of the first camera, with more settings. */
#define AREA0 "cameras.RTSP_STREAMS[0]."
#define SQUARE "[[0, 0], [1, 0], [1, 1], [0, 1]]"
#define ZONE(body) CAMERA("'ZONES': [{" body "}]")
#define NAMED(body) ZONE("'NAME': 'z', 'MASK': true, " body)
#define SQUARED(body) NAMED("'POINTS': " SQUARE ", " body)
#define LINE(body) CAMERA("'LINES': [{'NAME': 'l', " body "}]")

static const struct sample area_samples[] = {
    {SQUARED("'ANCHOR': 'Top', 'CLASSES': ['person', 2], 'MIN_SCORE': 0.4, 'COUNT_S': 60"), ""},
    {LINE("'POINTS': [[0.5, 0.9], [0.5, 0.4]], 'INERTIA_MS': 0, 'MARGIN': 0"), ""},
    {CAMERA("'ZONES': [], 'LINES': []"), ""},
    {CAMERA("'ZONES': ^{}"), "Ewrong_type " AREA0 "ZONES"},
    {CAMERA("'ZONES': [^3]"), "Ewrong_type " AREA0 "ZONES[0]"},
    {CAMERA("'ZONES': [^{'POINTS': " SQUARE ", 'MASK': true}]"), "Emissing_key " AREA0 "ZONES[0]"},
    {CAMERA("'ZONES': [^{'NAME': 'z', 'MASK': true}]"), "Emissing_key " AREA0 "ZONES[0]"},
    {SQUARED("^'DWEL_S': 3"), "Eunknown_key " AREA0 "ZONES[0].DWEL_S"},
    {SQUARED("^'MASK': true"), "Eduplicate_key " AREA0 "ZONES[0].MASK"},
    {LINE("'POINTS': [[0, 0], [1, 1]], ^'DWELL_S': 3"), "Eunknown_key " AREA0 "LINES[0].DWELL_S"},
    {SQUARED("'DWELL_S': ^0"), "Eout_of_range " AREA0 "ZONES[0].DWELL_S"},
    {SQUARED("'DWELL_S': ^'3'"), "Ewrong_type " AREA0 "ZONES[0].DWELL_S"},
    {SQUARED("'ANCHOR': ^'middle'"), "Ebad_value " AREA0 "ZONES[0].ANCHOR"},
    {SQUARED("'CLASSES': [^-1]"), "Ewrong_type " AREA0 "ZONES[0].CLASSES[0]"},
    {SQUARED("'MIN_SIZE': 0.2, 'MAX_SIZE': ^0.1"), "Ebad_value " AREA0 "ZONES[0].MAX_SIZE"},
    {SQUARED("'CROWD_LIMIT': 2, 'CROWD_SLACK': ^3"), "Ebad_value " AREA0 "ZONES[0].CROWD_SLACK"},
    {SQUARED("'CROWD_LIMIT': 0"), ""},
    {NAMED("'POINTS': ^3"), "Ewrong_type " AREA0 "ZONES[0].POINTS"},
    {NAMED("'POINTS': ^[[0, 0], [1, 1]]"), "Ebad_points " AREA0 "ZONES[0].POINTS"},
    {NAMED("'POINTS': [[0, 0], ^[1], ^[1, 2.5]]"),
     "Ewrong_type " AREA0 "ZONES[0].POINTS[1];Eout_of_range " AREA0 "ZONES[0].POINTS[2]"},
    {NAMED("'POINTS': [[0, 0], ^[640, 0], ^[0, 480]]"),
     "Eout_of_range " AREA0 "ZONES[0].POINTS[1];Eout_of_range " AREA0 "ZONES[0].POINTS[2]"},
    /* a bow tie */
    {NAMED("'POINTS': ^[[0, 0], [1, 1], [1, 0], [0, 1]]"), "Ebad_points " AREA0 "ZONES[0].POINTS"},
    {NAMED("'POINTS': ^[[0, 0], [0.5, 0.5], [1, 1]]"), "Ebad_points " AREA0 "ZONES[0].POINTS"},
    {NAMED("'POINTS': ^[[0, 0], [1, 1], [0, 0]]"), "Ebad_points " AREA0 "ZONES[0].POINTS"},
    {NAMED("'POINTS': [^[1.1, 0], [0.9, 0], ^[0.9, -0.001]]"),
     "Eout_of_range " AREA0 "ZONES[0].POINTS[0];Eout_of_range " AREA0 "ZONES[0].POINTS[2]"},
    {NAMED("'POINTS': [[0, 0], [1, 0], [1, 1]]"), ""},
    {LINE("'POINTS': ^[[0, 0], [0.5, 0.5], [1, 1]]"), "Ebad_points " AREA0 "LINES[0].POINTS"},
    {LINE("'POINTS': ^[[0.5, 0.5], [0.5, 0.5]]"), "Ebad_points " AREA0 "LINES[0].POINTS"},
    {LINE("'POINTS': [[0.5, 2], [0.5, -1]]"), ""},
    {LINE("'POINTS': ^[[0, 0], [0, 1]]"), "Widle_line " AREA0 "LINES[0].POINTS"},
    {LINE("'POINTS': ^[[1.2, 0], [1.5, 1]]"), "Widle_line " AREA0 "LINES[0].POINTS"},
    {ZONE("'NAME': "
          "^'0123456789012345678901234567890123456789012345678901234567890123', 'MASK': true, "
          "'POINTS': " SQUARE),
     "Ebad_name " AREA0 "ZONES[0].NAME"},
    {CAMERA("'ZONES': [^{'NAME': 'z', 'POINTS': " SQUARE "}]"), "Widle_zone " AREA0 "ZONES[0]"},
    {SQUARED("'DWELL_S': 5, ^'CROWD_S': 3"), "Widle_setting " AREA0 "ZONES[0].CROWD_S"},
    {SQUARED("'DWELL_S': 5, ^'STATIONARY_RADIUS': 0.1"),
     "Widle_setting " AREA0 "ZONES[0].STATIONARY_RADIUS"},
    {SQUARED("'DIRECTION_DEG': 5, 'DIRECTION_DISTANCE': 0.1"), ""},
    {CAMERA("'ZONES': [{'NAME': 'z', 'POINTS': " SQUARE ", 'MASK': true}, {'NAME': ^'z', "
            "'POINTS': " SQUARE ", 'DWELL_S': 5}], 'LINES': [{'NAME': 'y', 'POINTS': [[0, 0], "
            "[1, 1]]}, {'POINTS': [[0, 1], [1, 0]], 'NAME': ^'z'}]"),
     "Eduplicate_name " AREA0 "ZONES[1].NAME;Eduplicate_name " AREA0 "LINES[1].NAME"},
    /* engine-wide lines and a camera's own zone */
    {"{'cameras': {'LINES': [{'NAME': 'x', 'POINTS': [[0, 0], [1, 1]]}], 'RTSP_STREAMS': "
     "[{'url': 'rtsp://h', 'ZONES': ^[{'NAME': 'x', 'MASK': true, 'POINTS': " SQUARE "}]}]}}",
     "Eduplicate_name " AREA0 "ZONES"},
    /* engine-wide zones and a camera's own line */
    {"{'cameras': {'ZONES': [{'NAME': 'x', 'MASK': true, 'POINTS': " SQUARE "}], 'RTSP_STREAMS': "
     "[{'url': 'rtsp://h', 'LINES': [{'NAME': ^'x', 'POINTS': [[0, 0], [1, 1]]}]}]}}",
     "Eduplicate_name " AREA0 "LINES[0].NAME"},
    {"{'cameras': {'ZONES': [{'NAME': 'x', 'POINTS': ^[], 'MASK': true}], 'RTSP_STREAMS': "
     "[{'url': 'rtsp://h'}, {'url': 'rtsp://i'}]}}",
     "Ebad_points cameras.ZONES[0].POINTS"},
    {"{'tracking': {'ENABLE_TRACKING': false}, 'cameras': {^'LINES': [{'NAME': 'x', 'POINTS': "
     "[[0, 0], [1, 1]]}], 'RTSP_STREAMS': [{'url': 'rtsp://h'}]}}",
     "Wneeds_tracking cameras.LINES"},
    {"{'tracking': {'ENABLE_TRACKING': false}, 'classifier': {^'MODEL_PATH': 'x.onnx'}, 'cameras': "
     "{'RTSP_STREAMS': [{'url': 'rtsp://h'}]}}",
     "Wneeds_tracking classifier.MODEL_PATH"},
};

struct found {
    char list[4000]; /* as `expected` */
    struct fv_str out;
    unsigned count;
    struct {
        unsigned line, column;
    } places[20];
};

static bool is_known_code(const char *code)
{
    for (const struct fv_code *known = fv_codes; known->name; known++)
        if (!strcmp(known->name, code))
            return true;
    return false;
}

static void collect(void *data, const struct fv_problem *problem)
{
    struct found *found = data;
    assert_true(found->count < 20);
    fv_str_addf(&found->out, "%s%c%s %s", found->count ? ";" : "", "EWIO"[problem->severity],
                problem -> code, problem -> key);
    found->places[found->count].line = problem->line;
    found->places[found->count++].column = problem->column;
    assert_string_equal(problem->file, "<text>");
    assert_true(is_known_code(problem->code));
    assert_true(strlen(problem->message) > 10 && strlen(problem->fix) > 5);
    assert_int_equal(problem->message[strlen(problem->message) - 1], '.');
}

/* Takes the marks out of a sample: the text that is judged, and where findings are expected. */
static void unmark(const char *sample, char *text, struct found *wanted)
{
    unsigned line = 1, column = 1;
    for (; *sample; sample++) {
        if (*sample == '^') {
            wanted->places[wanted->count].line = line;
            wanted->places[wanted->count++].column = column;
            continue;
        }
        *text++ = *sample == '\'' ? '"' : *sample;
        if (*sample == '\n') {
            line++;
            column = 1;
        } else if ((*sample & 0xC0) != 0x80) {
            column++;
        }
    }
    *text = '\0';
}

static void run_sample(const struct sample *sample)
{
    char text[2000];
    struct found wanted = {0}, found = {0};
    struct fv_config *config = NULL;
    unmark(sample->text, text, &wanted);
    fv_str_init(&found.out, found.list, sizeof(found.list));
    struct fv_config_params params = {
        .text = text, .backend = sample->backend, .problem = collect, .data = &found};
    int r = fv_config_load(&params, &config, NULL);
    if (strcmp(found.list, sample->expected))
        print_error("in: %s\n", text);
    assert_string_equal(found.list, sample->expected);
    assert_int_equal(found.count, wanted.count);
    for (unsigned i = 0; i < found.count; i++) {
        if (found.places[i].line != wanted.places[i].line ||
            found.places[i].column != wanted.places[i].column)
            print_error("finding %u in: %s\n", i, text);
        assert_int_equal(found.places[i].line, wanted.places[i].line);
        assert_int_equal(found.places[i].column, wanted.places[i].column);
    }
    bool errors = sample->expected[0] == 'E' || strstr(sample->expected, ";E");
    assert_int_equal(r, errors ? -EINVAL : 0);
    fv_config_free(config);
}

#define RUN(samples)                                                                               \
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)                              \
    run_sample(&samples[i])

static void test_syntax(void **state)
{
    RUN(syntax_samples);
}

static void test_values(void **state)
{
    RUN(value_samples);
}

static void test_rules(void **state)
{
    RUN(rule_samples);
}

static void test_cameras(void **state)
{
    RUN(camera_samples);
}

static void test_areas(void **state)
{
    RUN(area_samples);
}

/* Every code of the documentation occurs, except those that have tests of their own: the size
 * limits (load_test.c), the environment (env_test.c), the machine (doctor_test.c) and what cannot be read (tool_test.c). */
static void test_all_codes_seen(void **state)
{
    static const struct {
        const struct sample *samples;
        size_t count;
    } tables[] = {{syntax_samples, sizeof(syntax_samples) / sizeof(syntax_samples[0])},
                  {value_samples, sizeof(value_samples) / sizeof(value_samples[0])},
                  {rule_samples, sizeof(rule_samples) / sizeof(rule_samples[0])},
                  {camera_samples, sizeof(camera_samples) / sizeof(camera_samples[0])},
                  {area_samples, sizeof(area_samples) / sizeof(area_samples[0])}};
    for (const struct fv_code *code = fv_codes; code->name; code++) {
        bool seen = !strcmp(code->name, "too_large") || !strcmp(code->name, "too_many_findings") ||
                    !strcmp(code->name, "unknown_variable") || !strcmp(code->name, "unreadable") ||
                    strstr(code->help, "--machine");
        for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
            for (size_t i = 0; i < tables[t].count; i++)
                seen |= strstr(tables[t].samples[i].expected, code->name) != NULL;
        if (!seen)
            print_error("no sample for %s\n", code->name);
        assert_true(seen);
    }
}

int main(void)
{
    unsetenv("DEBUG");
    unsetenv("FOVEA_TEST_UNSET");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syntax), cmocka_unit_test(test_values),
        cmocka_unit_test(test_rules),  cmocka_unit_test(test_cameras),
        cmocka_unit_test(test_areas),  cmocka_unit_test(test_all_codes_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
