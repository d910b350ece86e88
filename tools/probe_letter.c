// SPDX-License-Identifier: Apache-2.0
/* The findings as a letter to a person. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "probe.h"

#define LABEL 14 /* columns */
#define WIDTH 96
#define BADLY 0.1 /* of the pictures cannot be used */

/* What a camera wrote may hold bytes that a terminal obeys. */
static void put(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        putchar(c < ' ' || c == 0x7f ? '?' : c);
    }
}

/* Words behind an indent of `indent` columns; the first line has begun. */
static void put_wrapped(const char *text, size_t indent)
{
    size_t column = indent;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column > indent && column + word > WIDTH) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        }
        put(text, word);
        text += word;
        column += word;
        if (*text == ' ') {
            text++;
            column++;
            if (*text && column + strcspn(text, " ") <= WIDTH)
                putchar(' ');
            else
                column = WIDTH;
        }
    }
    putchar('\n');
}

static void row(const char *label, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void row(const char *label, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    printf("  %-*s", LABEL, label);
    put_wrapped(text, LABEL + 2);
}

/* "12 ms", "1.2 s" */
static const char *duration(int64_t ns, char *text, size_t size)
{
    if (ns < 1000000000)
        snprintf(text, size, "%.*f ms", ns < 10000000 ? 1 : 0, (double)ns / 1e6);
    else
        snprintf(text, size, "%.1f s", (double)ns / 1e9);
    return text;
}

static void tell_reach(const struct fv_probe_findings *f)
{
    char text[300] = "", one[40];
    size_t used = 0;
    if (f->resolve != FV_TIME_UNKNOWN)
        used = (size_t)snprintf(text, sizeof(text), ", name found in %s",
                                duration(f->resolve, one, sizeof(one)));
    if (f->connect != FV_TIME_UNKNOWN)
        used += (size_t)snprintf(text + used, sizeof(text) - used, ", connected in %s",
                                 duration(f->connect, one, sizeof(one)));
    if (f->session != FV_TIME_UNKNOWN)
        snprintf(text + used, sizeof(text) - used, ", session set up in %s",
                 duration(f->session, one, sizeof(one)));
    if (f->details.reached && f->connect == FV_TIME_UNKNOWN && f->failed_in == FV_CAMERA_CONNECTING)
        snprintf(text + used, sizeof(text) - used, ", but TLS could not be set up");
    row("Reachable", "%s%s%s%s", f->details.reached || f->played ? "yes" : "no",
        f->details.peer[0] ? ": " : "", f->details.peer, text);
    if (f->detour[0])
        row("Detour", "%s", f->detour);
}

static void tell_server(const struct fv_probe_findings *f)
{
    const struct fv_receiver_details *d = &f->details;
    const char *outcome = f->played ? "accepted" : d->status == 401 ? "refused" : "";
    if (d->login_withheld)
        outcome = "none was sent to another host";
    bool asked = strcmp(d->login, "none") != 0;
    row("Server", "%s", d->server[0] ? d->server : "does not say its name");
    if (d->methods[0])
        row("Methods", "%s", d->methods);
    if (asked)
        row("Login", "%s%s%s", d->login, outcome[0] ? ", " : "",
            !f->url.has_login ? "none was given" : outcome);
    else if (d->status == 401)
        row("Login", "wanted, of a kind that is not supported");
    else
        row("Login", "not asked for");
    row("Transport", "%s", d->transport);
}

static void tell_offers(const struct fv_probe_findings *f)
{
    char text[800] = "";
    size_t used = 0;
    for (unsigned i = 0; i < f->details.offer_count && used < sizeof(text); i++) {
        const struct fv_receiver_offer *offer = &f->details.offers[i];
        int n = snprintf(text + used, sizeof(text) - used, "%s%s %s", i ? ", " : "", offer->type,
                         offer->encoding);
        used += n > 0 ? (size_t)n : 0;
        if (offer->clock_rate && used < sizeof(text)) {
            n = snprintf(text + used, sizeof(text) - used, " (%g kHz%s)",
                         offer->clock_rate / 1000.0, offer->chosen ? ", chosen" : "");
            used += n > 0 ? (size_t)n : 0;
        }
    }
    if (f->details.offer_count)
        row("Streams", "%s", text);
}

static void tell_video(const struct fv_probe_findings *f)
{
    static const char *const chroma[] = {"grey", "4:2:0", "4:2:2", "4:4:4"};
    const struct fv_receiver_details *d = &f->details;
    char profile[40], level[20];
    if (!d->width)
        return;
    fv_probe_level(d->codec, d->level, level, sizeof(level));
    row("Video", "%s %s%s%s, %ux%u, %u bit %s%s%s", fv_probe_codec(d->codec),
        fv_probe_profile(d->codec, d->profile, profile, sizeof(profile)),
        level[0] ? ", level " : "", level, d->width, d->height, d->bit_depth, chroma[d->chroma & 3],
        d->interlaced ? ", perhaps interlaced" : "", d->full_range ? ", full range" : "");
}

static void tell_keys(const struct fv_probe_figures *g)
{
    const char *open = g->gop_open_s > g->gop_longest_s * 1.2 ? "; none for longer at the end" : "";
    if (g->refreshed && isfinite(g->gop_s))
        row("Key pictures", "none: refreshed bit by bit, anew every %.4g pictures, %.2f s%s",
            g->gop_pictures, g->gop_s, open);
    else if (isfinite(g->gop_s) && g->gop_pictures == 1)
        row("Key pictures", "all%s", open);
    else if (isfinite(g->gop_s))
        row("Key pictures", "every %.4g pictures, %.2f s%s", g->gop_pictures, g->gop_s, open);
    else if (isfinite(g->gop_open_s))
        row("Key pictures", "%s, and no second within %.1f s",
            g->refreshed ? "none; one recovery point" : "one", g->gop_open_s);
}

static void tell_pictures(const struct fv_probe_findings *f)
{
    const struct fv_probe_figures *g = &f->figures;
    char declared[40] = "no rate declared";
    if (f->details.declared_fps > 0)
        snprintf(declared, sizeof(declared), "%.4g declared", f->details.declared_fps);
    if (isfinite(g->fps))
        row("Pictures", "%.2f a second (%s), %" PRIu64 " in %.1f s%s", g->fps, declared,
            g->pictures, f->seconds, g->b_pictures ? ", with B-pictures" : "");
    else
        row("Pictures", "%" PRIu64 " (%s)", g->pictures, declared);
    if (isfinite(g->bit_rate))
        row("Bit rate", "%.2f Mbit/s; largest picture %.1f kB", g->bit_rate / 1e6,
            (double)g->largest / 1000);
    tell_keys(g);
}

static void tell_start(const struct fv_probe_findings *f)
{
    char packet[40], picture[40];
    if (f->first_packet != FV_TIME_UNKNOWN && f->first_picture != FV_TIME_UNKNOWN)
        row("Start", "first packet after %s, first picture after %s",
            duration(f->first_packet, packet, sizeof(packet)),
            duration(f->first_picture, picture, sizeof(picture)));
    else if (f->first_packet != FV_TIME_UNKNOWN)
        row("Start", "first packet after %s, no picture",
            duration(f->first_packet, packet, sizeof(packet)));
}

static void tell_network(const struct fv_probe_findings *f)
{
    const struct fv_receiver_stats *s = &f->stats;
    if (!s->packets)
        return;
    row("Packets",
        "%" PRIu64 ", lost %" PRIu64 ", reordered %" PRIu64 ", refused %" PRIu64 "; jitter %.1f ms",
        s->packets, s->lost, s->reordered, s->invalid, s->jitter_us / 1000.0);
}

static void tell_clock(const struct fv_probe_findings *f)
{
    char drift[80] = "drift unknown (it takes reports 10 s apart)", offset[80] = "";
    if (!f->played)
        return;
    if (isfinite(f->stats.drift_ppm))
        snprintf(drift, sizeof(drift), "drift %+.0f ppm", f->stats.drift_ppm);
    if (isfinite(f->figures.clock_offset_s))
        snprintf(offset, sizeof(offset), ", pictures are stamped %.2f s %s they arrive",
                 fabs(f->figures.clock_offset_s),
                 f->figures.clock_offset_s < 0 ? "before" : "after");
    if (f->details.sender_reports)
        row("Clock", "%" PRIu64 " sender reports%s, %s", f->details.sender_reports, offset, drift);
    else
        row("Clock", "no sender reports came");
}

static void tell_quirks(const struct fv_probe_findings *f)
{
    const struct fv_receiver_details *d = &f->details;
    for (unsigned i = 0; i < d->quirk_count; i++)
        row(i ? "" : "Quirks", "%s: %s (%u time%s)", d->quirks[i].name, d->quirks[i].policy,
            d->quirks[i].count, d->quirks[i].count == 1 ? "" : "s");
    if (!d->quirk_count && f->played)
        row("Quirks", "none");
}

/* The diagnosis, before what it rests on. */
static void tell_verdict(const struct fv_probe_findings *f, unsigned remarks)
{
    const struct fv_receiver_details *d = &f->details;
    const double all = (double)(f->stats.access_units + f->spoilt);
    const bool badly = (double)f->spoilt > BADLY * all;
    char text[400], rate[60] = "", losses[80] = "nothing lost";
    if (isfinite(f->figures.fps))
        snprintf(rate, sizeof(rate), " at %.4g pictures a second", f->figures.fps);
    if (f->spoilt)
        snprintf(losses, sizeof(losses), "with %s that cost %.0f %% of them",
                 f->stats.lost ? "losses" : "damage", 100 * (double)f->spoilt / all);
    else if (f->stats.lost)
        snprintf(losses, sizeof(losses), "with losses");
    snprintf(text, sizeof(text), "It plays%s: %s, %ux%u%s, %s. %s", badly ? " badly" : "",
             fv_probe_codec(d->codec), d->width, d->height, rate, losses,
             remarks == 0   ? "Nothing to complain about."
             : remarks == 1 ? "One remark, at the end."
                            : "Remarks at the end.");
    put_wrapped(text, 0);
}

static void tell_failure(const struct fv_probe_findings *f)
{
    if (f->interrupted) {
        printf("Stopped before anything was decided.\n");
        return;
    }
    printf("No picture came. It failed while %s:\n  ", fv_probe_phase(f->failed_in));
    put_wrapped(f->reason, 2);
}

static void tell_advice(const struct fv_probe_findings *f, const struct fv_probe_advice *advice)
{
    if (advice->count)
        printf("\n%s\n", f->played ? "Advice" : "Likely causes and cures");
    for (unsigned i = 0; i < advice->count; i++) {
        printf("  - ");
        put_wrapped(advice->texts[i], 4);
    }
}

void fv_probe_print_letter(const struct fv_probe_findings *f)
{
    struct fv_probe_advice advice;
    fv_probe_advise(f, &advice);
    put(f->url.plain, strlen(f->url.plain));
    printf("\n\n");
    if (f->played)
        tell_verdict(f, advice.count);
    else
        tell_failure(f);
    putchar('\n');
    tell_reach(f);
    if (f->connect != FV_TIME_UNKNOWN) {
        tell_server(f);
        tell_offers(f);
    }
    tell_video(f);
    if (f->played)
        tell_pictures(f);
    tell_start(f);
    tell_network(f);
    tell_clock(f);
    tell_quirks(f);
    tell_advice(f, &advice);
}
