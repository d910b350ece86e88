// SPDX-License-Identifier: Apache-2.0
#include "rtsp/sdp.h"

#include <errno.h>

static const struct {
    enum fv_sdp_quirk quirk;
    const char *name, *policy;
} quirk_texts[] = {
    {FV_SDP_BOM, "bom", "a byte order mark in front is skipped"},
    {FV_SDP_JUNK_LINE, "junk line", "lines that are no session description are skipped"},
    {FV_SDP_TRUNCATED, "truncated", "streams or formats beyond the limits are left out"},
    {FV_SDP_BAD_MEDIA, "bad media",
     "a media line that cannot be understood is left out with its stream"},
    {FV_SDP_BAD_FORMAT, "bad format",
     "payload types that are no number from 0 to 127 are left out"},
    {FV_SDP_BAD_RTPMAP, "bad rtpmap",
     "rtpmap or fmtp lines without payload type or encoding are skipped"},
    {FV_SDP_FOREIGN_FORMAT, "foreign format",
     "rtpmap or fmtp lines for formats that are not offered are skipped"},
    {FV_SDP_BAD_FRAMERATE, "bad framerate",
     "the declared frame rate is no number: it is measured instead"},
    {FV_SDP_NO_CLOCK_RATE, "no clock rate", "the clock rate is missing: 90 kHz is assumed"},
    {FV_SDP_GUESSED_CODEC, "guessed codec",
     "the codec is not named: it is taken from the parameter sets"},
    {FV_SDP_SENDONLY_VIDEO, "sendonly video",
     "the only video calls itself a back channel: it is played all the same"},
    {FV_SDP_NO_CONTROL, "no control",
     "the stream has no address of its own: the session's is used"},
    {FV_SDP_QUOTED_SETS, "quoted sets", "quotation marks around parameter sets are taken off"},
    {FV_SDP_BAD_BASE64, "bad base64",
     "a parameter set that is no Base64 is left out; the stream brings its own"},
    {FV_SDP_SETS_START_CODE, "sets with start code",
     "start codes around parameter sets are taken off"},
    {FV_SDP_NOT_A_SET, "not a set", "what stands among the parameter sets and is none is left out"},
    {FV_SDP_SETS_TOO_LONG, "sets too long",
     "parameter sets that are too long are left out; the stream brings its own"},
};
#define QUIRK_TEXTS (sizeof(quirk_texts) / sizeof(quirk_texts[0]))

const char *fv_sdp_quirk_name(enum fv_sdp_quirk quirk)
{
    for (size_t i = 0; i < QUIRK_TEXTS; i++) {
        if (quirk_texts[i].quirk == quirk)
            return quirk_texts[i].name;
    }
    return "unknown";
}

const char *fv_sdp_quirk_policy(enum fv_sdp_quirk quirk)
{
    for (size_t i = 0; i < QUIRK_TEXTS; i++) {
        if (quirk_texts[i].quirk == quirk)
            return quirk_texts[i].policy;
    }
    return "unknown";
}

/* Static payload types, RFC 3551 6. */
static const struct {
    uint8_t payload_type;
    const char *encoding;
    uint32_t clock_rate;
} static_formats[] = {
    {0, "PCMU", 8000},   {3, "GSM", 8000},    {4, "G723", 8000},   {5, "DVI4", 8000},
    {6, "DVI4", 16000},  {7, "LPC", 8000},    {8, "PCMA", 8000},   {9, "G722", 8000},
    {10, "L16", 44100},  {11, "L16", 44100},  {12, "QCELP", 8000}, {13, "CN", 8000},
    {14, "MPA", 90000},  {15, "G728", 8000},  {16, "DVI4", 11025}, {17, "DVI4", 22050},
    {18, "G729", 8000},  {25, "CelB", 90000}, {26, "JPEG", 90000}, {28, "nv", 90000},
    {31, "H261", 90000}, {32, "MPV", 90000},  {33, "MP2T", 90000}, {34, "H263", 90000},
};

/* The next word; blanks around it are dropped. Empty at the end. */
static struct fv_slice take_word(struct fv_slice *rest)
{
    *rest = fv_slice_trim(*rest);
    if (!rest->size)
        return (struct fv_slice){NULL, 0};
    size_t n = 0;
    while (n < rest->size && rest->data[n] != ' ' && rest->data[n] != '\t')
        n++;
    struct fv_slice word = {rest->data, n};
    *rest = (struct fv_slice){rest->data + n, rest->size - n};
    return word;
}

static int parse_payload_type(struct fv_slice text, uint8_t *ret_type)
{
    uint64_t value;
    if (fv_slice_u64(text, 127, &value) < 0)
        return -EBADMSG;
    *ret_type = (uint8_t)value;
    return 0;
}

static void add_format(struct fv_sdp *sdp, struct fv_sdp_media *media, struct fv_slice word)
{
    struct fv_sdp_format format = {0};
    if (parse_payload_type(word, &format.payload_type) < 0) {
        sdp->quirks |= FV_SDP_BAD_FORMAT;
        return;
    }
    if (media->format_count == FV_SDP_FORMATS_MAX) {
        sdp->quirks |= FV_SDP_TRUNCATED;
        return;
    }
    for (size_t i = 0; i < sizeof(static_formats) / sizeof(static_formats[0]); i++) {
        if (static_formats[i].payload_type == format.payload_type) {
            format.encoding = fv_slice_of(static_formats[i].encoding);
            format.clock_rate = static_formats[i].clock_rate;
        }
    }
    media->formats[media->format_count++] = format;
}

/* m=, RFC 8866 5.14. NULL when the line or its place is refused: what belongs to it is skipped. */
static struct fv_sdp_media *parse_media(struct fv_sdp *sdp, struct fv_slice line)
{
    struct fv_slice type = take_word(&line), ports = take_word(&line), protocol = take_word(&line);
    uint64_t port;
    if (!protocol.size || fv_slice_u64(fv_slice_cut(&ports, '/'), UINT16_MAX, &port) < 0) {
        sdp->quirks |= FV_SDP_BAD_MEDIA;
        return NULL;
    }
    if (sdp->media_count == FV_SDP_MEDIA_MAX) {
        sdp->quirks |= FV_SDP_TRUNCATED;
        return NULL;
    }
    struct fv_sdp_media *media = &sdp->media[sdp->media_count++];
    media->type = type;
    media->port = (uint16_t)port;
    media->protocol = protocol;
    media->format_count = 0;
    media->connection = sdp->connection;
    media->control = (struct fv_slice){NULL, 0};
    media->direction = sdp->direction;
    media->fps = 0;
    media->width = media->height = 0;
    for (struct fv_slice word = take_word(&line); word.size; word = take_word(&line))
        add_format(sdp, media, word);
    return media;
}

static struct fv_sdp_format *find_format(struct fv_sdp *sdp, struct fv_sdp_media *media,
                                         struct fv_slice *value)
{
    uint8_t payload_type;
    if (parse_payload_type(take_word(value), &payload_type) < 0) {
        sdp->quirks |= FV_SDP_BAD_RTPMAP;
        return NULL;
    }
    for (unsigned i = 0; i < media->format_count; i++) {
        if (media->formats[i].payload_type == payload_type)
            return &media->formats[i];
    }
    sdp->quirks |= FV_SDP_FOREIGN_FORMAT;
    return NULL;
}

/* a=rtpmap, RFC 8866 6.6: payload type, encoding, clock rate, channels. */
static void parse_rtpmap(struct fv_sdp *sdp, struct fv_sdp_media *media, struct fv_slice value)
{
    struct fv_sdp_format *format = find_format(sdp, media, &value);
    if (!format)
        return;
    struct fv_slice encoding = fv_slice_trim(fv_slice_cut(&value, '/'));
    uint64_t rate = 0;
    if (!encoding.size) {
        sdp->quirks |= FV_SDP_BAD_RTPMAP;
        return;
    }
    if (fv_slice_u64(fv_slice_trim(fv_slice_cut(&value, '/')), UINT32_MAX, &rate) < 0)
        rate = 0;
    format->encoding = encoding;
    format->clock_rate = (uint32_t)rate;
}

static void parse_fmtp(struct fv_sdp *sdp, struct fv_sdp_media *media, struct fv_slice value)
{
    struct fv_sdp_format *format = find_format(sdp, media, &value);
    if (format)
        format->fmtp = fv_slice_trim(value);
}

/* a=framerate, RFC 8866 6.11: a decimal number. strtod() would ask the locale. */
static void parse_framerate(struct fv_sdp *sdp, struct fv_sdp_media *media, struct fv_slice value)
{
    struct fv_slice fraction = fv_slice_trim(value), whole = fv_slice_cut(&fraction, '.');
    uint64_t units, parts = 0;
    double scale = 1;
    if (fraction.size > 9)
        fraction.size = 9;
    if (fv_slice_u64(whole, 1000, &units) < 0 ||
        (fraction.size && fv_slice_u64(fraction, UINT32_MAX, &parts) < 0)) {
        sdp->quirks |= FV_SDP_BAD_FRAMERATE;
        return;
    }
    for (size_t i = 0; i < fraction.size; i++)
        scale *= 10;
    media->fps = (double)units + (double)parts / scale;
}

/* "1920,1080", "1920-1080": two numbers; what is no size says nothing. */
static void parse_size(struct fv_sdp_media *media, struct fv_slice value, char between)
{
    struct fv_slice height = value, width = fv_slice_cut(&height, between);
    uint64_t w, h;
    if (fv_slice_u64(fv_slice_trim(width), UINT16_MAX, &w) < 0 ||
        fv_slice_u64(fv_slice_trim(height), UINT16_MAX, &h) < 0)
        return;
    media->width = (uint16_t)w;
    media->height = (uint16_t)h;
}

/* a=framesize, 3GPP TS 26.234 5.3.3.2: payload type, then the size. */
static void parse_framesize(struct fv_sdp_media *media, struct fv_slice value)
{
    take_word(&value);
    parse_size(media, value, '-');
}

static bool parse_direction(struct fv_slice name, enum fv_sdp_direction *direction)
{
    static const char *const names[] = {
        [FV_SDP_SENDRECV] = "sendrecv",
        [FV_SDP_RECVONLY] = "recvonly",
        [FV_SDP_SENDONLY] = "sendonly",
        [FV_SDP_INACTIVE] = "inactive",
    };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (fv_slice_eq_nocase(name, fv_slice_of(names[i]))) {
            *direction = (enum fv_sdp_direction)i;
            return true;
        }
    }
    return false;
}

/* a=, RFC 8866 5.13. `media` is NULL in front of the first m=. */
static void parse_attribute(struct fv_sdp *sdp, struct fv_sdp_media *media, struct fv_slice line)
{
    struct fv_slice value = line, name = fv_slice_trim(fv_slice_cut(&value, ':'));
    value = fv_slice_trim(value);
    if (parse_direction(name, media ? &media->direction : &sdp->direction))
        return;
    if (fv_slice_eq_nocase(name, FV_SLICE("control")))
        *(media ? &media->control : &sdp->control) = value;
    if (!media)
        return;
    if (fv_slice_eq_nocase(name, FV_SLICE("rtpmap")))
        parse_rtpmap(sdp, media, value);
    else if (fv_slice_eq_nocase(name, FV_SLICE("fmtp")))
        parse_fmtp(sdp, media, value);
    else if (fv_slice_eq_nocase(name, FV_SLICE("framerate")))
        parse_framerate(sdp, media, value);
    else if (fv_slice_eq_nocase(name, FV_SLICE("x-dimensions")))
        parse_size(media, value, ',');
    else if (fv_slice_eq_nocase(name, FV_SLICE("framesize")))
        parse_framesize(media, value);
}

struct place {
    struct fv_sdp_media *media; /* that lines belong to; NULL: the session */
    bool skip;                  /* behind an m= line that was refused */
};

static void parse_line(struct fv_sdp *sdp, struct place *place, struct fv_slice line)
{
    if (line.size < 2 || line.data[1] != '=') {
        sdp->quirks |= FV_SDP_JUNK_LINE;
        return;
    }
    struct fv_slice value = {line.data + 2, line.size - 2};
    if (line.data[0] == 'm') {
        place->media = parse_media(sdp, value);
        place->skip = !place->media;
    } else if (place->skip) {
        return;
    } else if (line.data[0] == 'a') {
        parse_attribute(sdp, place->media, value);
    } else if (line.data[0] == 'c') {
        *(place->media ? &place->media->connection : &sdp->connection) = fv_slice_trim(value);
    } else if (line.data[0] == 's' && !place->media) {
        sdp->name = fv_slice_trim(value);
    }
}

int fv_sdp_parse(struct fv_slice text, struct fv_sdp *ret_sdp)
{
    struct fv_slice rest = fv_slice_trim(text);
    uint32_t quirks = 0;
    if (fv_slice_starts_nocase(rest, FV_SLICE("\xef\xbb\xbf"))) {
        quirks = FV_SDP_BOM;
        rest = (struct fv_slice){rest.data + 3, rest.size - 3};
    }
    if (!fv_slice_starts_nocase(rest, FV_SLICE("v=")))
        return -EBADMSG;
    memset(ret_sdp, 0, offsetof(struct fv_sdp, media));
    ret_sdp->quirks = quirks;
    struct place place = {NULL, false};
    while (rest.size) {
        struct fv_slice line = fv_slice_trim(fv_slice_cut(&rest, '\n'));
        if (line.size)
            parse_line(ret_sdp, &place, line);
    }
    return 0;
}
