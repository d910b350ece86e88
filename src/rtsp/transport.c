// SPDX-License-Identifier: Apache-2.0
#include "rtsp/transport.h"

#include <errno.h>

#define SESSION_TIMEOUT_MAX_S 86400

static bool ends_nocase(struct fv_slice text, struct fv_slice tail)
{
    return text.size >= tail.size &&
           fv_slice_eq_nocase((struct fv_slice){text.data + text.size - tail.size, tail.size},
                              tail);
}

/* "a-b", or "a" alone, which means a and a + 1. */
static bool parse_pair(struct fv_slice text, uint64_t max, uint64_t *ret_first,
                       uint64_t *ret_second)
{
    struct fv_slice first = fv_slice_cut(&text, '-');
    uint64_t a, b;
    if (fv_slice_u64(fv_slice_trim(first), max, &a) < 0)
        return false;
    if (fv_slice_u64(fv_slice_trim(text), max, &b) < 0 || b == a)
        b = a < max ? a + 1 : a - 1;
    *ret_first = a;
    *ret_second = b;
    return true;
}

/* Only a literal address: it is compared with the packets' and never resolved. */
static void set_source(struct fv_rtsp_transport *transport, struct fv_slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        if (!value.data[i] || !strchr("0123456789abcdefABCDEF.:", value.data[i]))
            return;
    }
    fv_slice_copy(value, transport->source, sizeof(transport->source));
}

static void set_transport_param(struct fv_rtsp_transport *transport, struct fv_slice key,
                                struct fv_slice value)
{
    uint64_t a, b;
    if (fv_slice_eq_nocase(key, FV_SLICE("multicast"))) {
        transport->multicast = true;
    } else if (fv_slice_eq_nocase(key, FV_SLICE("interleaved"))) {
        if (parse_pair(value, UINT8_MAX, &a, &b)) {
            transport->interleaved = transport->tcp = true;
            transport->rtp_channel = (uint8_t)a;
            transport->rtcp_channel = (uint8_t)b;
        }
    } else if (fv_slice_eq_nocase(key, FV_SLICE("server_port"))) {
        if (parse_pair(value, UINT16_MAX, &a, &b) && a > 0) {
            transport->server_rtp_port = (uint16_t)a;
            transport->server_rtcp_port = (uint16_t)b;
        }
    } else if (fv_slice_eq_nocase(key, FV_SLICE("ssrc"))) {
        if (fv_slice_hex64(value, UINT32_MAX, &a) == 0 && a > 0) {
            transport->has_ssrc = true;
            transport->ssrc = (uint32_t)a;
        }
    } else if (fv_slice_eq_nocase(key, FV_SLICE("source"))) {
        set_source(transport, value);
    }
}

int fv_rtsp_parse_transport(struct fv_slice value, struct fv_rtsp_transport *ret_transport)
{
    struct fv_rtsp_transport transport = {0};
    struct fv_slice first = fv_slice_cut(&value, ','), key, param;
    if (!fv_rtsp_next_param(&first, ';', &key, &param) ||
        !fv_slice_starts_nocase(key, FV_SLICE("RTP/")))
        return -EBADMSG;
    transport.tcp = ends_nocase(key, FV_SLICE("/TCP"));
    while (fv_rtsp_next_param(&first, ';', &key, &param))
        set_transport_param(&transport, key, param);
    *ret_transport = transport;
    return 0;
}

int fv_rtsp_parse_session(struct fv_slice value, char *id, int64_t *ret_timeout)
{
    char text[FV_RTSP_SESSION_ID_MAX];
    struct fv_slice name = fv_slice_trim(fv_slice_cut(&value, ';')), key, param;
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= ' ' || name.data[i] > '~')
            return -EBADMSG;
    }
    if (!name.size || fv_slice_copy(name, text, sizeof(text)) < 0)
        return -EBADMSG;
    *ret_timeout = FV_TIME_UNKNOWN;
    while (fv_rtsp_next_param(&value, ';', &key, &param)) {
        uint64_t seconds;
        if (fv_slice_eq_nocase(key, FV_SLICE("timeout")) &&
            fv_slice_u64(param, SESSION_TIMEOUT_MAX_S, &seconds) == 0 && seconds > 0)
            *ret_timeout = (int64_t)seconds * FV_S;
    }
    memcpy(id, text, name.size + 1);
    return 0;
}

/* The same stream? Cameras write the control attribute, the address of SETUP, or another address
 * that ends in it. */
static bool is_our_url(struct fv_slice url, struct fv_slice control, const char *uri)
{
    if (fv_slice_eq(url, fv_slice_of(uri)) || fv_slice_eq(url, control))
        return true;
    return control.size && url.size > control.size && ends_nocase(url, control) &&
           url.data[url.size - control.size - 1] == '/';
}

static void set_info_param(struct fv_rtsp_info *info, struct fv_slice key, struct fv_slice value)
{
    uint64_t number;
    if (fv_slice_eq_nocase(key, FV_SLICE("seq")) && fv_slice_u64(value, UINT16_MAX, &number) == 0) {
        info->has_seq = true;
        info->seq = (uint16_t)number;
    } else if (fv_slice_eq_nocase(key, FV_SLICE("rtptime")) &&
               fv_slice_u64(value, UINT32_MAX, &number) == 0) {
        info->has_rtptime = true;
        info->rtptime = (uint32_t)number;
    }
}

struct fv_rtsp_info fv_rtsp_parse_info(struct fv_slice value, struct fv_slice control,
                                       const char *uri)
{
    struct fv_rtsp_info ours = {0}, entry = {0}, *into = &entry;
    struct fv_slice key, param;
    unsigned entries = 0;
    bool found = false;
    while (value.size) {
        /* An address may hold commas: only "url=" begins an entry. */
        struct fv_slice part = fv_slice_cut(&value, ',');
        while (fv_rtsp_next_param(&part, ';', &key, &param)) {
            if (fv_slice_eq_nocase(key, FV_SLICE("url"))) {
                entries++;
                into = !found && is_our_url(param, control, uri) ? &ours : &entry;
                found = found || into == &ours;
            }
            set_info_param(into, key, param);
        }
    }
    if (found)
        return ours;
    return entries <= 1 ? entry : (struct fv_rtsp_info){0};
}

static bool is_absolute(struct fv_slice url)
{
    return fv_slice_starts_nocase(url, FV_SLICE("rtsp://")) ||
           fv_slice_starts_nocase(url, FV_SLICE("rtsps://"));
}

/* The address goes into a request line and into a quoted string. */
static int add_uri(struct fv_str *out, struct fv_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if ((unsigned char)c < ' ' || c == 127)
            return -EBADMSG;
        if (c == ' ' || c == '"')
            fv_str_addf(out, "%%%02X", (unsigned)c);
        else
            fv_str_add_slice(out, (struct fv_slice){&text.data[i], 1});
    }
    return out->overflow ? -ENOBUFS : 0;
}

int fv_rtsp_base(const struct fv_rtsp_message *response, const char *request_uri, char *buffer,
                 size_t size)
{
    static const char *const names[] = {"Content-Base", "Content-Location"};
    struct fv_slice base = fv_slice_of(request_uri);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct fv_slice value = fv_rtsp_find(response, names[i]);
        if (is_absolute(value)) {
            base = value;
            break;
        }
    }
    struct fv_str out;
    fv_str_init(&out, buffer, size);
    return add_uri(&out, base);
}

int fv_rtsp_join(const char *base, struct fv_slice control, char *buffer, size_t size)
{
    struct fv_str out;
    fv_str_init(&out, buffer, size);
    if (is_absolute(control))
        return add_uri(&out, control);
    struct fv_slice front = fv_slice_of(base);
    if (!control.size || fv_slice_eq(control, FV_SLICE("*")))
        return add_uri(&out, front);
    bool slash = front.size && front.data[front.size - 1] == '/';
    if (slash && control.data[0] == '/')
        front.size--;
    int rc = add_uri(&out, front);
    if (!slash && control.data[0] != '/' && control.data[0] != '?')
        fv_str_add(&out, "/");
    return rc < 0 ? rc : add_uri(&out, control);
}
