// SPDX-License-Identifier: Apache-2.0
/*
 *   submit -> parse ------------------------------> hardware -> pending -> collect -> picture()
 *               `-> no session: a job makes one; the worker keeps the access unit and gives it again
 */
#include "decode/nvdec.h"

#include <errno.h>

#include "base/mem.h"
#include "decode/nvdec_impl.h"

int fv_nvdec_check(struct fv_nvdec *nvdec, CUresult result, const char *call, struct fv_error *err)
{
    struct fv_gpu_info info;
    if (result == CUDA_ERROR_UNKNOWN && fv_gpu_info(nvdec->gpu, &info, NULL) == 0)
        return fv_error_set(err, -EIO, "%s: unknown error (%d)", call, (int)result);
    return fv_gpu_check(nvdec->gpu, result, call, err);
}

static int nvdec_open(const struct fv_decoder_params *params, struct fv_decoder **ret_decoder,
                      struct fv_error *err)
{
    struct fv_nvdec *nvdec = params->shared;
    if (fv_nvdec_codec_of(params->codec) == cudaVideoCodec_NumCodecs)
        return fv_error_set(err, -ENOTSUP, "codec %s is not supported",
                            fv_codec_name(params->codec));
    struct fv_decoder *decoder = FV_NEW(struct fv_decoder);
    if (!decoder)
        return fv_error_set(err, -ENOMEM, "out of memory");
    decoder->params = *params;
    decoder->nvdec = nvdec;
    for (int i = 0; i < FV_NVDEC_SURFACES_MAX; i++) {
        decoder->surfaces[i].decoder = decoder;
        decoder->surfaces[i].index = i;
        fv_list_init(&decoder->surfaces[i].link);
    }
    fv_list_append(&nvdec->decoders, &decoder->link);
    *ret_decoder = decoder;
    return 0;
}

static int request_session(struct fv_decoder *decoder, struct fv_error *err)
{
    /* The parser has seen an access unit that will come again. */
    fv_nvdec_parser_close(decoder);
    int code = fv_nvdec_pool_request(decoder->nvdec, &decoder->shape, &decoder->job);
    if (code < 0)
        return fv_error_set(err, code, "out of memory");
    decoder->nvdec->job_count++;
    return -EAGAIN;
}

static int nvdec_submit(struct fv_decoder *decoder, const struct fv_au *au, struct fv_error *err)
{
    if (fv_gpu_lost(decoder->nvdec->gpu))
        return fv_error_set(err, -ENODEV, "the GPU was lost");
    if (decoder->job)
        return -EAGAIN;
    int code = fv_nvdec_parse(decoder, au, err);
    return code == -EAGAIN ? request_session(decoder, err) : code;
}

static void check_job(struct fv_decoder *decoder)
{
    struct fv_nvdec_session *session;
    struct fv_error err;
    if (!fv_nvdec_pool_result(decoder->nvdec, decoder->job, &session, &err))
        return;
    decoder->job = NULL;
    decoder->nvdec->job_count--;
    if (err.code < 0) {
        decoder->fault = err;
        return;
    }
    fv_nvdec_clear_all(decoder, false);
    fv_nvdec_session_leave(decoder->session, decoder->broken);
    decoder->session = session;
    decoder->broken = false;
}

static int nvdec_enter(void *shared, const struct fv_decode_wake *wake, struct fv_error *err)
{
    struct fv_nvdec *nvdec = shared;
    nvdec->wake = *wake;
    return fv_gpu_enter(nvdec->gpu, err);
}

static int64_t nvdec_collect(void *shared, int64_t now)
{
    struct fv_nvdec *nvdec = shared;
    for (struct fv_list *it = nvdec->decoders.next; nvdec->job_count && it != &nvdec->decoders;
         it = it->next) {
        struct fv_decoder *decoder = FV_CONTAINER(it, struct fv_decoder, link);
        if (decoder->job)
            check_job(decoder);
    }
    return fv_nvdec_map_pending(nvdec, now);
}

static int nvdec_fault(struct fv_decoder *decoder, struct fv_error *err)
{
    if (!decoder->fault.code)
        return 0;
    *err = decoder->fault;
    decoder->fault.code = 0;
    return err->code;
}

static void nvdec_flush(struct fv_decoder *decoder)
{
    fv_nvdec_clear_all(decoder, true);
    fv_nvdec_parser_close(decoder);
    decoder->damage = (struct fv_damage){0};
    decoder->fault.code = 0;
}

static int nvdec_drain(struct fv_decoder *decoder, struct fv_error *err)
{
    (void)err;
    fv_nvdec_parse_end(decoder);
    fv_nvdec_clear_all(decoder, false);
    return 0;
}

static void nvdec_await(struct fv_decoder *decoder)
{
    if (!decoder->job)
        return;
    fv_nvdec_pool_wait(decoder->nvdec, decoder->job);
    check_job(decoder);
}

static void nvdec_close(struct fv_decoder *decoder)
{
    if (!decoder)
        return;
    nvdec_flush(decoder);
    if (decoder->job) {
        decoder->nvdec->job_count--;
        fv_nvdec_pool_abandon(decoder->nvdec, decoder->job);
    }
    fv_nvdec_session_leave(decoder->session, decoder->broken);
    fv_list_remove(&decoder->link);
    fv_free(decoder);
}

const struct fv_decoder_ops fv_decoder_nvdec = {
    .name = "nvdec",
    .memory = FV_MEMORY_DEVICE,
    .open = nvdec_open,
    .submit = nvdec_submit,
    .flush = nvdec_flush,
    .drain = nvdec_drain,
    .close = nvdec_close,
    .enter = nvdec_enter,
    .collect = nvdec_collect,
    .fault = nvdec_fault,
    .await = nvdec_await,
};

int fv_nvdec_create(const struct fv_nvdec_params *params, struct fv_nvdec **ret_nvdec,
                    struct fv_error *err)
{
    if (params->held < 1 || params->held > FV_NVDEC_HELD_MAX)
        return fv_error_set(err, -EINVAL, "nvdec: 1 to 32 surfaces are held per camera, not %u",
                            params->held);
    struct fv_nvdec *nvdec = FV_NEW(struct fv_nvdec);
    if (!nvdec)
        return fv_error_set(err, -ENOMEM, "out of memory");
    nvdec->params = *params;
    nvdec->gpu = params->gpu;
    nvdec->driver = fv_gpu_driver(params->gpu);
    fv_list_init(&nvdec->decoders);
    fv_list_init(&nvdec->pending);
    pthread_mutex_init(&nvdec->lock, NULL);
    pthread_cond_init(&nvdec->work, NULL);
    pthread_cond_init(&nvdec->delivered, NULL);
    int code = fv_gpu_stream_create(params->gpu, &nvdec->stream, err);
    if (code == 0)
        code = fv_nvdec_pool_init(nvdec, err);
    if (code < 0) {
        fv_nvdec_destroy(nvdec);
        return code;
    }
    *ret_nvdec = nvdec;
    return 0;
}

void fv_nvdec_destroy(struct fv_nvdec *nvdec)
{
    if (!nvdec)
        return;
    fv_nvdec_pool_finish(nvdec);
    fv_gpu_stream_destroy(nvdec->stream);
    pthread_cond_destroy(&nvdec->work);
    pthread_cond_destroy(&nvdec->delivered);
    pthread_mutex_destroy(&nvdec->lock);
    fv_free(nvdec);
}

void fv_nvdec_stats(struct fv_nvdec *nvdec, struct fv_nvdec_stats *ret_stats)
{
    pthread_mutex_lock(&nvdec->lock);
    *ret_stats = (struct fv_nvdec_stats){
        .sessions = nvdec->sessions,
        .idle = nvdec->idle_count,
        .bytes = nvdec->bytes,
        .session_bytes = nvdec->session_bytes,
        .created = nvdec->created,
        .destroyed = nvdec->destroyed,
        .refused = nvdec->refused,
        .open_longest = nvdec->open_longest,
    };
    pthread_mutex_unlock(&nvdec->lock);
    ret_stats->reconfigured = atomic_load(&nvdec->reconfigured);
    ret_stats->reused = atomic_load(&nvdec->reused);
    ret_stats->decoded = atomic_load(&nvdec->decoded);
    ret_stats->mapped = atomic_load(&nvdec->mapped);
    ret_stats->waited = atomic_load(&nvdec->waited);
    ret_stats->skipped_held = atomic_load(&nvdec->skipped_held);
    ret_stats->damaged = atomic_load(&nvdec->damaged);
}
