// SPDX-License-Identifier: Apache-2.0
/* The rows of the table of settings. */
#include "conf/table.h"

static const struct fv_word backends[] = {{"gpu", FV_BACKEND_GPU}, {"cpu", FV_BACKEND_CPU}, {NULL}};
static const struct fv_word priorities[] = {{"NORMAL", FV_PRIORITY_NORMAL},
                                            {"HIGH", FV_PRIORITY_HIGH},
                                            {"REALTIME", FV_PRIORITY_REALTIME},
                                            {NULL}};
static const struct fv_word providers[] = {
    {"auto"},
    {"tensorrt"},
    {"tensorrt-rtx"},
    {"cuda",
     .warn =
         "there is no TensorRT engine with this provider: inference is slower than it could be"},
    {"cpu", .gpu_error = true},
    {NULL}};
static const struct fv_word transports[] = {{"auto", FV_CONF_TRANSPORT_AUTO},
                                            {"tcp", FV_CONF_TRANSPORT_TCP},
                                            {"udp", FV_CONF_TRANSPORT_UDP},
                                            {"tls", FV_CONF_TRANSPORT_TLS},
                                            {"multicast", .later = true},
                                            {"http", .later = true},
                                            {NULL}};
static const struct fv_word on_pixel_copy[] = {{"report", false}, {"exit", true}, {NULL}};
static const struct fv_word on_gpu_loss[] = {{"exit", true}, {"stay", false}, {NULL}};
static const struct fv_word on_loss[] = {{"skip", false}, {"flag", true}, {NULL}};
static const struct fv_word backoffs[] = {{"exponential", FV_CONF_BACKOFF_EXPONENTIAL},
                                          {"adaptive", FV_CONF_BACKOFF_ADAPTIVE},
                                          {"circuit_breaker", FV_CONF_BACKOFF_BREAKER},
                                          {NULL}};
static const struct fv_word decode_modes[] = {{"all", 1}, {"key", 0}, {NULL}};
static const struct fv_word log_levels[] = {{"debug", FV_LOG_DEBUG},
                                            {"info", FV_LOG_INFO},
                                            {"warning", FV_LOG_WARNING},
                                            {"error", FV_LOG_ERROR},
                                            {NULL}};

#define CONFIG(member)                                                                             \
    .effect = FV_EFFECT_WIRED, .target = FV_TARGET_CONFIG,                                         \
    .offset = offsetof(struct fv_config, member)
#define DRAFT(member)                                                                              \
    .effect = FV_EFFECT_WIRED, .target = FV_TARGET_DRAFT,                                          \
    .offset = offsetof(struct fv_conf_draft, member)
#define CAMERA(member) DRAFT(camera.member)
/* Handed over in struct fv_config to a stage that does not use it yet. */
#define HANDED(member)                                                                             \
    .effect = FV_EFFECT_LATER, .target = FV_TARGET_CONFIG,                                         \
    .offset = offsetof(struct fv_config, member)
#define RULE .effect = FV_EFFECT_RULE
#define LATER .effect = FV_EFFECT_LATER
#define LACKS(what) .effect = FV_EFFECT_LATER, .lacks = what
#define NO_POSES LACKS("no stage for poses")
#define NO_SEGMENTS LACKS("no stage for segmentation")
#define NO_REID LACKS("no stage for re-identification")
#define NO_SOURCES LACKS("no sources but RTSP cameras (`fovea analyze` takes a file)")
#define NO_VIDEO LACKS("no video output")
#define NO_SERVER LACKS("no server for viewers")
#define NO_TENSORRT "no TensorRT engine"
#define NONE .effect = FV_EFFECT_NONE
#define OBSOLETE(text) FV_KIND_ANY, .effect = FV_EFFECT_OBSOLETE, .instead = text
#define BOTH .scope = FV_SCOPE_BOTH
#define ONE_CAMERA .scope = FV_SCOPE_CAMERA
#define OPEN .flags = FV_OPEN_MIN

#define REMOVE "Remove it."
#define P "processing"
#define M "models"
#define C "cameras"
#define T "tracking"
#define V "visualization"
#define O "output"
#define W "websocket"
#define A "app"
#define AREAS_RULE                                                                                 \
    "Settings: [analytics.md](analytics.md). A camera's own list replaces the engine-wide one. A " \
    "class that the model does not know is an error at start."
#define PERMITTED                                                                                  \
    "Where the system does not permit it, a warning says so and they run at normal priority."
#define GPU_ONLY_WHY "Fovea keeps every frame on the GPU."

const struct fv_setting fv_settings[] = {
    /* ---- processing ---- */
    {P, "BACKEND", FV_KIND_WORD, CONFIG(processing.backend), .words = backends, .value = "\"gpu\"",
     .help =
         "where pictures are decoded and analysed; cpu is for trying and testing, never a fallback",
     .rule = "`--backend` on the command line overrides it. With `cpu` the rules of GPU-only "
             "operation become information."},
    {P, "USE_UNIFIED_GPU_PIPELINE", FV_KIND_BOOL, RULE, .flags = FV_GPU, .value = "true",
     .must = "true", .help = "the GPU-resident pipeline",
     .why = "There is no other pipeline on a GPU host."},
    {P, "ENABLE_DECOUPLED_PIPELINE", FV_KIND_BOOL, RULE, .flags = FV_GPU, .value = "false",
     .must = "false", .help = "the old multi-process pipeline",
     .why = "One process serves all cameras; frames cannot leave the GPU to other processes."},
    {P, "ENABLE_MULTIPROCESSING", FV_KIND_BOOL, RULE, .flags = FV_GPU, .value = "false",
     .must = "false", .help = "one process per camera",
     .why = "One process serves all cameras; frames cannot leave the GPU to other processes."},
    {P, "ENABLE_PROCESSING", FV_KIND_BOOL, CONFIG(processing.enable), .value = "true",
     .help = "decode and analyse; false: cameras are only received, for figures of the network"},
    {P, "ENABLE_THREADING", OBSOLETE("Remove it: Fovea always runs its stages on threads."),
     .help = "threads in the Python pipeline"},
    {P, "ENABLE_NVDEC", FV_KIND_BOOL, RULE, .flags = FV_GPU, .value = "true", .must = "true",
     .help = "hardware decoding", .why = "GPU-only operation decodes in hardware."},
    {P, "NVDEC_FALLBACK_TO_CPU", FV_KIND_BOOL, RULE, .flags = FV_GPU, .value = "false",
     .must = "false", .help = "decode on the CPU when hardware decoding fails",
     .why = "GPU-only operation never falls back."},
    {P, "NVDEC_BUFFER_SIZE", FV_KIND_INT, CONFIG(processing.nvdec_buffer_size), .unit = "surfaces",
     .value = "5", .older = "10", .min = 1, .max = 64, .warn_above = 10,
     .why = "Each surface takes GPU memory for every camera.",
     .help = "decoded surfaces held per camera beyond what the stream needs"},
    {P, "ENABLE_GPU_PREPROCESSING", FV_KIND_BOOL, RULE, .flags = FV_GPU, .value = "true",
     .must = "true", .help = "scaling and colour conversion on the GPU", .why = GPU_ONLY_WHY},
    {P, "GPU_PREPROCESSING_DEVICE", FV_KIND_STRING, RULE, .flags = FV_GPU, .value = "\"cuda:0\"",
     .help = "the GPU that preprocesses",
     .rule = "Must be the same as `models.DEVICE` (`gpu_only_conflict`): a frame never changes the "
             "GPU."},
    {P, "GPU_BATCH_SIZE", FV_KIND_INT, CONFIG(processing.gpu_batch_size), .flags = FV_MAY_AUTO,
     .unit = "frames", .value = "2", .older = "4", .min = 1, .max = 128, .warn_above = 4,
     .why = "Large batches wait longer to fill and take more GPU memory.",
     .help = "frames per inference batch: a number, or \"auto\" (a power of two up to "
             "TENSORRT_MAX_BATCH_SIZE, by live cameras and free memory)"},
    {P, "MAX_QUEUE_SIZE", FV_KIND_INT, CONFIG(processing.max_queue_size), .unit = "items",
     .value = "20", .older = "30", .min = 1, .max = 10000, .warn_above = 30,
     .why = "Long queues make results old before they arrive.", .help = "items per pipeline queue"},
    {P, "PIPELINE_QUEUE_TIMEOUT_MS", FV_KIND_NUMBER, CONFIG(processing.pipeline_queue_timeout_ms),
     OPEN, .unit = "ms", .value = "5.0", .older = "10.0", .min = 0, .max = 10000, .warn_above = 50,
     .why = "Every frame may wait that long.",
     .help = "longest time that a frame waits for its batch to fill"},
    {P, "UNIFIED_PIPELINE_THREADS", FV_KIND_INT, .effect = FV_EFFECT_NONE, .target = FV_TARGET_CONFIG,
     .offset = offsetof(struct fv_config, processing.unified_pipeline_threads),
     .flags = FV_MAY_NULL | FV_MAY_AUTO, .value = "null", .already = "1", .older = "3", .min = 1, .max = 256,
     .default_note = "one, which serves all cameras", .help = "decode workers",
     .why = "One decode worker serves all cameras at the full speed of the hardware: on an H100 16 threads "
            "decoded not one picture more and took four times the CPU time."},
    {P, "ANALYSIS_FRAME_INTERVAL", FV_KIND_INT, CONFIG(processing.analysis_frame_interval),
     .unit = "frames", .value = "1", .min = 1, .max = 100000, .flags = FV_LIVE,
     .help = "analyse every Nth decoded frame"},
    {P, "FRAME_SKIP", FV_KIND_INT, CONFIG(processing.frame_skip), .unit = "frames", .value = "0",
     .min = 0, .max = 100000, .flags = FV_LIVE,
     .help = "decoded frames left out after each one that is analysed; multiplies "
             "ANALYSIS_FRAME_INTERVAL"},
    {P, "AUTO_FRAME_SKIP", FV_KIND_BOOL, RULE, .value = "true", .info_at = "false",
     .help = "under overload the newest frames are analysed and the others dropped, with counters",
     .why = "Queues are bounded: what is too much is always dropped and counted."},
    {P, "TARGET_FPS", FV_KIND_NUMBER, CONFIG(processing.target_fps), .flags = FV_OPEN_MIN | FV_LIVE,
     .unit = "frames/s", .value = "30", .min = 0, .max = 1000,
     .help = "highest rate of analysis of a camera, by its own clock; what is above is left out "
             "and counted as skipped"},
    {P, "ENABLE_PIPELINE_VALIDATION", FV_KIND_BOOL, RULE, .value = "true", .info_at = "false",
     .help = "validate the configuration at start",
     .why = "The configuration is validated at every start, whatever this says."},
    {P, "ENABLE_PROFILING", FV_KIND_BOOL, CONFIG(processing.profiling), .value = "false",
     .help = "time that pictures spend in each stage, in the summary of a run",
     .rule = "A warning (`costly`) when it is on and `PROFILING_SAMPLING_RATE` is below 50."},
    {P, "PROFILING_SAMPLING_RATE", FV_KIND_INT, CONFIG(processing.profiling_sampling), .unit = "frames", .value = "100",
     .older = "10", .min = 1, .max = 1000000, .help = "profile every Nth frame"},
    {P, "MEMORY_MONITORING_ENABLED", FV_KIND_BOOL, HANDED(processing.memory_monitoring),
     .flags = FV_GPU, .value = "true", .already = "false", .help = "watch the GPU memory"},
    {P, "PERFORMANCE_ALERTS_ENABLED", FV_KIND_BOOL, LATER, .value = "true", .already = "false",
     .help = "alerts on degradation"},
    {P, "GPU_MEMORY_POOL_SIZE_MB", FV_KIND_INT, CONFIG(processing.gpu_memory_pool_mb),
     .flags = FV_GPU | FV_GPU_SETTING, .unit = "MB", .value = "500", .min = 1, .max = 1048576, .warn_above = 1000,
     .why = "Memory that the pool holds is lost to decoders and models.",
     .help = "pre-allocated GPU memory"},
    {P, "ON_PIXEL_COPY", FV_KIND_WORD, CONFIG(processing.pixel_copy_ends), .flags = FV_AS_BOOL | FV_GPU_SETTING,
     .words = on_pixel_copy, .value = "\"report\"",
     .help = "when a copy as large as a picture goes from the GPU to the host that is no snapshot: report it as an "
             "error, or exit as well",
     .rule = "`exit`: `fovea run` ends with exit code 5. It says that Fovea has a bug, or a library does what it must not."},
    {P, "ON_GPU_LOSS", FV_KIND_WORD, CONFIG(processing.gpu_loss_ends), .flags = FV_AS_BOOL | FV_GPU_SETTING,
     .words = on_gpu_loss, .value = "\"exit\"",
     .help = "when the GPU fails for good: exit, so that a supervisor starts a new process, or stay connected to the "
             "cameras without analysing",
     .rule = "`exit`: `fovea run` ends with exit code 4. The driver lets no process use a GPU again that it lost."},
    {P, "GPU_MEMORY_DEFRAG_INTERVAL", FV_KIND_INT, NONE, .flags = FV_GPU, .unit = "frames",
     .value = "1000", .min = 0, .max = 100000000,
     .help = "frames between two compactions of the pool",
     .why = "What lies in the pool is made and freed together: it does not fall into pieces."},
    {P, "ENABLE_MEMORY_POOLING", FV_KIND_BOOL, CONFIG(processing.memory_pooling), .flags = FV_GPU | FV_GPU_SETTING,
     .value = "true", .warn_at = "false",
     .why = "Without pools every frame allocates.", .help = "reuse of memory"},
    {P, "USE_THREAD_AFFINITY", FV_KIND_BOOL, CONFIG(processing.use_thread_affinity),
     .value = "true", .default_note = "false with BACKEND \"cpu\"",
     .help = "pin each thread of the pipeline to a core"},
    {P, "THREAD_PRIORITY", FV_KIND_WORD, CONFIG(processing.thread_priority), .words = priorities,
     .value = "\"HIGH\"", .default_note = "NORMAL with BACKEND \"cpu\"",
     .help = "priority of the pipeline's threads: network, inference, results; HIGH is nice -10, "
             "REALTIME SCHED_RR 10",
     .rule = PERMITTED},
    {P, "DECODER_THREAD_PRIORITY", FV_KIND_WORD, CONFIG(processing.decoder_thread_priority),
     .words = priorities, .value = "\"REALTIME\"", .default_note = "NORMAL with BACKEND \"cpu\"",
     .help = "priority of the decode workers", .rule = PERMITTED},
    {P, "ENABLE_OPTIMIZED_PREPROCESSING",
     OBSOLETE("Remove it: there is one preprocessing, fused into one pass."),
     .help = "CPU preprocessing"},
    {P, "PREPROCESSING_THREADS",
     OBSOLETE("Remove it: there is one preprocessing, fused into one pass."),
     .help = "CPU preprocessing"},
    {P, "PREPROCESSING_ALGORITHM",
     OBSOLETE("Remove it: there is one preprocessing, fused into one pass."),
     .help = "CPU preprocessing"},
    {P, "USE_LEGACY_NVDEC_READER", OBSOLETE("Remove it: there is one reader."),
     .help = "an older reader"},
    {P, "GPU_READER_QUEUE_SIZE", OBSOLETE("Use processing.NVDEC_BUFFER_SIZE."),
     .help = "queue of an older reader"},
    {P, "GPU_READER_MAX_CONSECUTIVE_FAILURES",
     OBSOLETE("Use cameras.BREAKER_FAILURES with cameras.BACKOFF_STRATEGY \"circuit_breaker\"."),
     .help = "failures before an older reader gave up"},
    {P, "ENABLE_DEEPSTREAM", OBSOLETE(REMOVE), .help = "a later branch of the Python project"},
    {P, "DEEPSTREAM_MUX_BATCH_SIZE", OBSOLETE("Use processing.GPU_BATCH_SIZE."),
     .help = "batch size of that branch"},
    {P, "DEEPSTREAM_SOURCE_LATENCY", OBSOLETE("Use cameras.REORDER_MS."),
     .help = "jitter buffer of that branch"},
    {P, "DEEPSTREAM_SCALE_MODE",
     OBSOLETE("Remove it: the model's manifest says how pictures are fitted (0 was stretch, 1 "
              "crop, 2 letterbox)."),
     .help = "how that branch fitted pictures"},
    {P, "DEEPSTREAM_*", OBSOLETE(REMOVE), .help = "other settings of that branch"},

    /* ---- models ---- */
    {M, "MODEL_PATH", FV_KIND_STRING, CONFIG(models.model_path), .flags = FV_MAY_NULL,
     .default_note = "the bundled detector", .help = "ONNX model; its manifest lies beside it"},
    {M, "MODEL_CONFIDENCE_THRESHOLD", FV_KIND_NUMBER, CONFIG(models.confidence), .value = "0.25",
     .min = 0, .max = 1, .flags = FV_LIVE, .help = "lowest score of a detection that is published"},
    {M, "MODEL_IOU_THRESHOLD", FV_KIND_NUMBER, CONFIG(models.iou), .value = "0.45", .min = 0,
     .max = 1, .flags = FV_LIVE,
     .help = "of two boxes of a class that overlap more than this, the better one stays"},
    {M, "TARGET_CLASSES", FV_KIND_LIST, CONFIG(models.target_classes),
     .flags = FV_MAY_NULL | FV_LIVE, .value = "[]", .default_note = "all",
     .help = "classes wanted, by number or name",
     .rule = "A class that the model does not know is an error at start."},
    {M, "CLASS_NAMES", FV_KIND_LIST, CONFIG(models.class_names), .flags = FV_MAY_NULL,
     .default_note = "from the manifest",
     .help = "names of the model's classes, in its order, in place of the manifest's",
     .rule = "A warning at start when they differ (`class_names`). Another number of names than "
             "the model has classes: the manifest's stay."},
    {M, "ENABLE_TENSORRT", FV_KIND_BOOL, RULE, .flags = FV_GPU, .value = "true", .must = "true",
     .help = "a TensorRT-class engine is required",
     .why = "GPU-only operation infers with an engine."},
    {M, "TENSORRT_FP16", FV_KIND_BOOL, CONFIG(models.tensorrt_fp16), .flags = FV_GPU | FV_GPU_SETTING,
     .value = "true", .warn_at = "false",
     .why = "Single precision halves the speed and doubles the memory.", .help = "half precision"},
    {M, "TENSORRT_WORKSPACE_SIZE", FV_KIND_NUMBER, HANDED(models.tensorrt_workspace_gb), .lacks = NO_TENSORRT,
     .flags = FV_OPEN_MIN | FV_GPU, .unit = "GB", .value = "2", .older = "4", .min = 0, .max = 1024,
     .warn_above = 4, .why = "The builder's workspace is GPU memory.",
     .help = "memory for building an engine"},
    {M, "TENSORRT_MAX_BATCH_SIZE", FV_KIND_INT, CONFIG(models.max_batch), .unit = "frames",
     .value = "4", .min = 1, .max = 128, .default_note = "16 when GPU_BATCH_SIZE is \"auto\"",
     .help = "largest batch",
     .rule = "Must not be smaller than `processing.GPU_BATCH_SIZE` (`batch_too_large`)."},
    {M, "INFERENCE_PROVIDER", FV_KIND_WORD, CONFIG(models.inference_provider),
     .flags = FV_GPU | FV_AS_TEXT, .words = providers, .value = "\"auto\"",
     .why = "GPU-only operation does not infer on the CPU.",
     .help =
         "what infers; auto: a TensorRT-class engine or an error (the CPU when BACKEND is cpu)"},
    {M, "FORCE_GPU_ONLY", FV_KIND_BOOL, RULE, .flags = FV_GPU, .value = "true", .must = "true",
     .help = "never fall back to the CPU",
     .why = "GPU-only operation is in force unless processing.BACKEND is \"cpu\"."},
    {M, "DEVICE", FV_KIND_STRING, CONFIG(models.device), .flags = FV_GPU, .value = "\"cuda:0\"",
     .help = "the GPU: cuda:N",
     .rule =
         "Anything else than `cuda:N` is an error (`unknown_device`; `cpu`: `gpu_only_conflict`)."},
    {M, "DETECTION_ENGINE_PATH", FV_KIND_STRING, HANDED(models.engine_path), .lacks = NO_TENSORRT,
     .flags = FV_MAY_NULL | FV_GPU, .default_note = "a cache folder",
     .help = "cache of built engines"},
    {M, "POSE_MODEL_PATH", FV_KIND_STRING, NO_POSES, .flags = FV_MAY_NULL, .help = "a pose model"},
    {M, "POSE_ENGINE_PATH", FV_KIND_STRING, NO_POSES, .flags = FV_MAY_NULL, .help = "its engine"},
    {M, "SEGMENTATION_MODEL_PATH", FV_KIND_STRING, NO_SEGMENTS, .flags = FV_MAY_NULL,
     .help = "a segmentation model"},
    {M, "SEGMENTATION_ENGINE_PATH", FV_KIND_STRING, NO_SEGMENTS, .flags = FV_MAY_NULL,
     .help = "its engine"},
    {M, "REID_MODEL_PATH", FV_KIND_STRING, NO_REID, .flags = FV_MAY_NULL,
     .help = "a re-identification model"},
    {M, "REID_ENGINE_PATH", FV_KIND_STRING, NO_REID, .flags = FV_MAY_NULL, .help = "its engine"},
    {M, "ENABLE_SEGMENTATION", FV_KIND_BOOL, NO_SEGMENTS, .value = "false", .already = "false",
     .help = "run the segmentation model"},
    {M, "WARM_UP_ITERATIONS", FV_KIND_INT, CONFIG(models.warm_up_iterations), .value = "10",
     .min = 0, .max = 10000, .help = "inferences before the first frame"},
    {M, "ENABLE_DYNAMIC_SHAPES", FV_KIND_BOOL, RULE, .value = "false", .info_at = "true",
     .help = "engines with free input size",
     .why = "Pictures are fitted to the input size of the model's manifest."},
    {M, "OPTIMIZE_FOR_INFERENCE", FV_KIND_BOOL, CONFIG(models.optimize), .value = "true",
     .warn_at = "false", .why = "Inference is slower without; it helps to find a fault only.",
     .help = "let the runtime optimise the model's graph"},

    /* ---- cameras ---- */
    {C, "RTSP_STREAMS", FV_KIND_CAMERAS, .effect = FV_EFFECT_WIRED, .value = "[]", .flags = FV_LIVE,
     .help = "list of cameras: objects with name, url and the settings marked \"per camera\"",
     .rule = "Names must differ (`duplicate_camera`), addresses must be good (`bad_url`), one "
             "source at least must be enabled "
             "(`no_source`). Older forms, an object name -> address or a list of addresses, are "
             "read and reported (`older_form`)."},
    {C, "name", FV_KIND_STRING, CAMERA(name), ONE_CAMERA, .default_note = "camera-N",
     .help = "how events and files call the camera: 1 to 64 characters, no control characters, no "
             "slashes"},
    {C, "url", FV_KIND_STRING, CAMERA(url), ONE_CAMERA, .default_note = "required",
     .help = "its address: rtsp://host:port/path",
     .rule = "Credentials in the address are a warning (`credentials_in_url`)."},
    {C, "enabled", FV_KIND_BOOL, CAMERA(enabled), ONE_CAMERA, .value = "true",
     .help = "connect to it"},
    {C, "width", FV_KIND_INT, NONE, ONE_CAMERA, .flags = FV_MAY_NULL, .unit = "pixels", .min = 1,
     .max = 16384, .help = "width of its pictures",
     .why = "The stream itself says how large its pictures are."},
    {C, "height", FV_KIND_INT, NONE, ONE_CAMERA, .flags = FV_MAY_NULL, .unit = "pixels", .min = 1,
     .max = 16384, .help = "height of its pictures",
     .why = "The stream itself says how large its pictures are."},
    {C, "VIDEO_FILES", FV_KIND_ANY, NO_SOURCES, .value = "[]", .already = "[]",
     .help = "files as sources"},
    {C, "USE_WEBCAM", FV_KIND_BOOL, NO_SOURCES, .value = "false", .already = "false",
     .help = "a local camera as source"},
    {C, "CAMERA_WIDTH", FV_KIND_INT, NONE, .unit = "pixels", .min = 1, .max = 16384,
     .help = "width of the pictures", .why = "The stream itself says how large its pictures are."},
    {C, "CAMERA_HEIGHT", FV_KIND_INT, NONE, .unit = "pixels", .min = 1, .max = 16384,
     .help = "height of the pictures", .why = "The stream itself says how large its pictures are."},
    {C, "FRAME_RATE", FV_KIND_NUMBER, NONE, OPEN, .unit = "frames/s", .min = 0, .max = 1000,
     .help = "rate of the pictures", .why = "The pictures' own times are used."},
    {C, "TRANSPORT", FV_KIND_WORD, CAMERA(transport), BOTH, .words = transports,
     .value = "\"auto\"", .help = "how packets come; auto: TCP first"},
    {C, "USERNAME", FV_KIND_STRING, DRAFT(username), BOTH, .flags = FV_MAY_NULL,
     .help = "user name"},
    {C, "PASSWORD_FILE", FV_KIND_STRING, DRAFT(password_file), BOTH, .flags = FV_MAY_NULL,
     .help = "file that holds the password; one newline at its end is ignored",
     .rule = "Needs a user name, and not together with PASSWORD_ENV (`bad_credentials`). A file "
             "that cannot be read is an error at start (`missing_secret`)."},
    {C, "PASSWORD_ENV", FV_KIND_STRING, DRAFT(password_env), BOTH, .flags = FV_MAY_NULL,
     .help = "environment variable that holds the password",
     .rule = "Needs a user name, and not together with PASSWORD_FILE (`bad_credentials`). A "
             "variable that is not set is an error at start (`missing_secret`)."},
    {C, "TLS_VERIFY", FV_KIND_BOOL, CAMERA(tls_verify), BOTH, .value = "true",
     .help = "check the camera's certificate"},
    {C, "TLS_CA_FILE", FV_KIND_STRING, CAMERA(tls_ca_file), BOTH, .flags = FV_MAY_NULL,
     .default_note = "the system's", .help = "certificates to trust"},
    {C, "RESOLVE_TIMEOUT_S", FV_KIND_NUMBER, CAMERA(resolve_timeout_s), BOTH, OPEN, .unit = "s",
     .value = "5", .min = 0, .max = 3600, .help = "deadline of the name look-up"},
    {C, "CONNECT_TIMEOUT_S", FV_KIND_NUMBER, CAMERA(connect_timeout_s), BOTH, OPEN, .unit = "s",
     .value = "5", .min = 0, .max = 3600,
     .help = "deadline of the connection, and of the TLS handshake after it"},
    {C, "REQUEST_TIMEOUT_S", FV_KIND_NUMBER, CAMERA(request_timeout_s), BOTH, OPEN, .unit = "s",
     .value = "5", .min = 0, .max = 3600, .help = "deadline of each request"},
    {C, "FIRST_PACKET_TIMEOUT_S", FV_KIND_NUMBER, CAMERA(first_packet_timeout_s), BOTH, OPEN,
     .unit = "s", .value = "10", .min = 0, .max = 3600, .help = "deadline of the first packet"},
    {C, "FIRST_KEYFRAME_TIMEOUT_S", FV_KIND_NUMBER, CAMERA(first_keyframe_timeout_s), BOTH, OPEN,
     .unit = "s", .value = "35", .min = 0, .max = 3600,
     .help = "deadline of the first key picture"},
    {C, "STALL_TIMEOUT_S", FV_KIND_NUMBER, CAMERA(stall_timeout_s), BOTH, OPEN, .unit = "s",
     .value = "10", .min = 0, .max = 3600, .help = "longest silence of a playing camera"},
    {C, "REORDER_MS", FV_KIND_NUMBER, CAMERA(reorder_ms), BOTH, .unit = "ms", .value = "60",
     .min = 0, .max = 10000, .help = "window in which packets are put in order (UDP)"},
    {C, "ON_LOSS", FV_KIND_WORD, CAMERA(flag_loss), BOTH, .flags = FV_AS_BOOL, .words = on_loss,
     .value = "\"skip\"",
     .help = "after a loss: skip to the next key picture, or flag the damaged pictures and go on"},
    {C, "BACKOFF_STRATEGY", FV_KIND_WORD, CAMERA(backoff), BOTH, .words = backoffs,
     .value = "\"exponential\"", .help = "how attempts to reconnect are spaced"},
    {C, "BACKOFF_INITIAL_S", FV_KIND_NUMBER, CAMERA(backoff_initial_s), BOTH, OPEN, .unit = "s",
     .value = "1", .min = 0, .max = 3600, .help = "first delay",
     .rule = "Must not be larger than `BACKOFF_MAX_S` (`backoff_order`)."},
    {C, "BACKOFF_MAX_S", FV_KIND_NUMBER, CAMERA(backoff_max_s), BOTH, OPEN, .unit = "s",
     .value = "60", .min = 0, .max = 86400, .help = "longest delay"},
    {C, "BACKOFF_FACTOR", FV_KIND_NUMBER, CAMERA(backoff_factor), BOTH, .value = "2", .min = 1,
     .max = 100, .help = "growth of the delay"},
    {C, "BACKOFF_JITTER", FV_KIND_NUMBER, CAMERA(backoff_jitter), BOTH, .value = "0.1", .min = 0,
     .max = 1, .help = "random part of the delay"},
    {C, "BACKOFF_STABLE_AFTER", FV_KIND_INT, CAMERA(backoff_stable_after), BOTH,
     .unit = "connections", .value = "5", .min = 1, .max = 1000000,
     .help = "adaptive: connections that count as stable"},
    {C, "BREAKER_FAILURES", FV_KIND_INT, CAMERA(breaker_failures), BOTH, .unit = "failures",
     .value = "5", .min = 1, .max = 1000000, .help = "circuit breaker: failures that open it"},
    {C, "BREAKER_OPEN_S", FV_KIND_NUMBER, CAMERA(breaker_open_s), BOTH, OPEN, .unit = "s",
     .value = "60", .min = 0, .max = 86400, .help = "circuit breaker: how long it stays open"},
    {C, "BREAKER_PROBES", FV_KIND_INT, CAMERA(breaker_probes), BOTH, .unit = "connections",
     .value = "3", .min = 1, .max = 1000,
     .help = "circuit breaker: probes that must succeed to close it"},
    {C, "DECODE_MODE", FV_KIND_INT, CAMERA(decode_mode), BOTH, .flags = FV_MAY_WORD,
     .words = decode_modes, .value = "\"all\"", .min = 1, .max = 100000,
     .help = "what is decoded and analysed: all pictures; key pictures only, which spares nearly "
             "all decoding; a number N: all are decoded and every Nth analysed (it multiplies "
             "ANALYSIS_FRAME_INTERVAL)"},
    {C, "ZONES", FV_KIND_AREAS, .effect = FV_EFFECT_WIRED, BOTH, .value = "[]", .flags = FV_LIVE,
     .help = "named areas and what is watched in them", .rule = AREAS_RULE},
    {C, "LINES", FV_KIND_AREAS, .effect = FV_EFFECT_WIRED, BOTH, .value = "[]", .flags = FV_LIVE,
     .help = "named lines whose crossings are events", .rule = AREAS_RULE},
    {C, "GATHER_MS", FV_KIND_NUMBER, CONFIG(cameras.gather_ms), .unit = "ms", .value = "10",
     .min = 0, .max = 1000, .help = "reads are gathered this long; 0: every wake-up"},
    {C, "CONNECT_RATE_PER_S", FV_KIND_INT, CONFIG(cameras.connect_rate_per_s), .unit = "attempts/s",
     .value = "20", .min = 1, .max = 100000,
     .help = "attempts to connect per second over all cameras"},
    {C, "CONNECTS_PER_HOST", FV_KIND_INT, CONFIG(cameras.connects_per_host), .unit = "attempts",
     .value = "4", .min = 1, .max = 100000, .help = "unfinished attempts per host"},

    /* ---- tracking ---- */
    {T, "ENABLE_TRACKING", FV_KIND_BOOL, CONFIG(tracking.enable), .value = "true", .flags = FV_LIVE,
     .help = "follow objects from picture to picture"},
    {T, "TRACK_THRESH", FV_KIND_NUMBER, CONFIG(tracking.high), .flags = FV_OPEN_MIN | FV_LIVE,
     .value = "0.25", .min = 0, .max = 1,
     .help = "scores from here up enter the first association"},
    {T, "TRACK_LOW_THRESH", FV_KIND_NUMBER, CONFIG(tracking.low), .value = "0.1", .min = 0,
     .max = 1, .flags = FV_LIVE, .help = "boxes down to here enter the second association",
     .rule = "Must not be larger than `TRACK_THRESH` (`threshold_order`)."},
    {T, "TRACK_BUFFER", FV_KIND_NUMBER, CONFIG(tracking.buffer), .flags = FV_OPEN_MIN | FV_LIVE,
     .unit = "1/30 s", .value = "30", .min = 0, .max = 1000000, .help = "life of a lost track"},
    {T, "MATCH_THRESH", FV_KIND_NUMBER, CONFIG(tracking.match), .flags = FV_OPEN_MIN | FV_LIVE,
     .value = "0.75", .min = 0, .max = 1, .help = "highest cost 1-IoU of a match"},
    {T, "FRAME_RATE", FV_KIND_NUMBER, NONE, OPEN, .unit = "frames/s", .value = "30", .min = 0,
     .max = 1000, .help = "nominal rate", .why = "The pictures' own times are used."},
    {T, "INACTIVE_THRESHOLD_SECONDS", FV_KIND_NUMBER, CONFIG(tracking.inactive_s), OPEN,
     .unit = "s", .value = "1.0", .min = 0, .max = 86400,
     .help = "a track without a match is inactive after this: its trail is drawn thin"},
    {T, "TRACE_PERSISTENCE_SECONDS", FV_KIND_NUMBER, CONFIG(tracking.persistence_s), OPEN,
     .unit = "s", .value = "5.0", .min = 0, .max = 86400,
     .help = "how long the trail of a track without a match is drawn"},

    /* ---- visualization ---- */
    {V, "SHOW_DETECTIONS", FV_KIND_BOOL, CONFIG(visualization.show_detections), .value = "true",
     .help = "draw the boxes of all detections into annotated pictures"},
    {V, "SHOW_TRACKING", FV_KIND_BOOL, CONFIG(visualization.show_tracking), .value = "true",
     .help = "draw the boxes of what has a track"},
    {V, "SHOW_TRAILS", FV_KIND_BOOL, CONFIG(visualization.show_trails), .value = "true",
     .help = "draw where tracks were"},
    {V, "SHOW_FPS", FV_KIND_BOOL, CONFIG(visualization.show_fps), .value = "true",
     .help = "draw the rate of analysed pictures"},
    {V, "SHOW_LABELS", FV_KIND_BOOL, CONFIG(visualization.show_labels), .value = "true",
     .help = "draw the class"},
    {V, "SHOW_CONFIDENCE", FV_KIND_BOOL, CONFIG(visualization.show_confidence), .value = "true",
     .help = "draw the score"},
    {V, "SHOW_TRACK_IDS", FV_KIND_BOOL, CONFIG(visualization.show_track_ids), .value = "true",
     .help = "draw the track's number into annotated pictures"},
    {V, "BOX_THICKNESS", FV_KIND_INT, CONFIG(visualization.box_thickness), .unit = "pixels",
     .value = "2", .min = 1, .max = 100,
     .help = "of boxes, zones, lines and trails, for 720 rows; grows with the picture"},
    {V, "TEXT_SCALE", FV_KIND_NUMBER, CONFIG(visualization.text_scale), OPEN, .value = "0.5",
     .min = 0, .max = 100, .help = "size of text; 0.5 is 18 pixels for 720 rows"},
    {V, "TEXT_THICKNESS", FV_KIND_INT, CONFIG(visualization.text_thickness), .unit = "pixels",
     .value = "1", .min = 1, .max = 100, .help = "of text"},
    {V, "TRACE_LENGTH", FV_KIND_INT, CONFIG(visualization.trace_length), .unit = "points",
     .value = "30", .min = 0, .max = 100000,
     .help = "of the trail of a track that is inactive; at most 256 are drawn"},
    {V, "TRAIL_LENGTH", FV_KIND_INT, CONFIG(visualization.trail_length), .unit = "points",
     .value = "50", .min = 0, .max = 100000,
     .help = "of the trail of a track that is seen; at most 256 are drawn"},
    {V, "JPEG_QUALITY", FV_KIND_INT, NO_SERVER, .value = "85", .min = 1, .max = 100,
     .help = "of the page's pictures"},
    {V, "SHOW_POSE", FV_KIND_BOOL, NO_POSES, .value = "false", .already = "false",
     .help = "draw poses"},
    {V, "SHOW_SEGMENTATION", FV_KIND_BOOL, NO_SEGMENTS, .value = "false", .already = "false",
     .help = "draw segments"},
    {V, "SHOW_KEYPOINTS", FV_KIND_BOOL, NO_POSES, .value = "false", .already = "false",
     .help = "draw key points"},
    {V, "SHOW_MASKS", FV_KIND_BOOL, NO_SEGMENTS, .value = "false", .already = "false",
     .help = "draw masks"},
    {V, "USE_NVENC", FV_KIND_BOOL, NO_VIDEO, .value = "false", .already = "false",
     .help = "encode annotated video in hardware"},
    {V, "NVENC_*", FV_KIND_ANY, NO_VIDEO, .help = "settings of that encoder"},

    /* ---- output ---- */
    {O, "OUTPUT_DIR", FV_KIND_STRING, CONFIG(output.dir), .value = "\"output\"",
     .help = "folder for everything that is written"},
    {O, "SAVE_FRAMES", FV_KIND_BOOL, CONFIG(output.save_frames), .value = "false",
     .help = "write annotated pictures"},
    {O, "SAVE_VIDEO", FV_KIND_BOOL, NO_VIDEO, .value = "false", .already = "false",
     .help = "write video"},
    {O, "SAVE_DETECTIONS", FV_KIND_BOOL, CONFIG(output.save_detections), .value = "false",
     .help = "write events to a file"},
    {O, "EVENTS_MAX_MB", FV_KIND_NUMBER, CONFIG(output.events_max_mb), .unit = "MiB",
     .value = "256", .min = 0, .max = 1000000,
     .help = "a larger file of events is put aside and a new one begun; 0: never"},
    {O, "EVENTS_MAX_HOURS", FV_KIND_NUMBER, CONFIG(output.events_max_hours), .unit = "h",
     .value = "0", .min = 0, .max = 100000,
     .help = "a file of events that was begun longer ago is put aside; 0: whatever its age"},
    {O, "EVENTS_KEEP", FV_KIND_INT, CONFIG(output.events_keep), .unit = "files", .value = "8",
     .min = 0, .max = 10000, .help = "files of events put aside that are kept; 0: all"},
    {O, "FRAME_SAVE_INTERVAL", FV_KIND_INT, CONFIG(output.frame_save_interval), .unit = "frames",
     .value = "1", .min = 1, .max = 100000000, .help = "write every Nth analysed picture"},
    {O, "VIDEO_FPS", FV_KIND_NUMBER, NO_VIDEO, OPEN, .unit = "frames/s", .value = "15", .min = 0,
     .max = 1000, .help = "rate of the video"},
    {O, "VIDEO_CODEC", FV_KIND_STRING, NO_VIDEO, .flags = FV_MAY_NULL, .help = "codec of the video"},
    {O, "JPEG_QUALITY", FV_KIND_INT, CONFIG(output.jpeg_quality), .value = "90", .min = 1,
     .max = 100, .help = "of annotated pictures"},

    /* ---- websocket ---- */
    {W, "ENABLE_SERVER", FV_KIND_BOOL, NO_SERVER, .value = "true", .already = "false",
     .help = "serve the page and live events"},
    {W, "HOST", FV_KIND_STRING, NO_SERVER, .value = "\"127.0.0.1\"", .older = "\"0.0.0.0\"",
     .help = "address to listen on",
     .rule = "An address that others can reach is a warning (`open_to_network`), unless "
             "ENABLE_SERVER is false: there is no authentication."},
    {W, "PORT", FV_KIND_INT, NO_SERVER, .value = "6008", .min = 1, .max = 65535,
     .help = "port to listen on"},
    {W, "MAX_CLIENTS", FV_KIND_INT, NO_SERVER, .value = "10", .min = 0, .max = 100000,
     .help = "viewers at the same time"},
    {W, "JPEG_QUALITY", FV_KIND_INT, NO_SERVER, .value = "70", .min = 1, .max = 100,
     .help = "of live pictures"},
    {W, "MAX_FPS", FV_KIND_NUMBER, NO_SERVER, OPEN, .unit = "frames/s", .value = "20", .min = 0,
     .max = 1000, .help = "highest rate of live pictures"},

    /* ---- app ---- */
    {A, "APP_NAME", FV_KIND_STRING, CONFIG(app.name), .value = "\"Fovea\"", .flags = FV_LIVE,
     .help = "a name for this installation, in log and summary"},
    {A, "LOG_LEVEL", FV_KIND_WORD, CONFIG(app.log_level), .flags = FV_MAY_NUMBER | FV_LIVE,
     .words = log_levels, .value = "30", .help = "what is logged, from this level up",
     .rule =
         "`DEBUG`, `ENABLE_DEBUG_LOGGING` and the environment variable DEBUG=1 set it to debug."},
    {A, "LOG_FILE", FV_KIND_STRING, CONFIG(app.log_file), .flags = FV_MAY_NULL | FV_LIVE,
     .default_note = "standard error", .help = "where the log goes"},
    {A, "DEBUG", FV_KIND_BOOL, RULE, .value = "false", .help = "the same as LOG_LEVEL debug",
     .rule = "Also the environment variable DEBUG=1."},
    {A, "PERFORMANCE_MODE", FV_KIND_ANY, NONE, .flags = FV_MAY_NULL,
     .help = "a preset of the Python pipeline",
     .why = "There are no presets: docs/tuning.md has settings for each purpose."},
    {A, "ENABLE_DEBUG_LOGGING", FV_KIND_BOOL, RULE, .value = "false",
     .help = "the same as LOG_LEVEL debug"},
};
const size_t fv_setting_count = sizeof(fv_settings) / sizeof(fv_settings[0]);
