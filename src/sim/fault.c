// SPDX-License-Identifier: Apache-2.0
/* The table of faults, its help text and the parser of specifications. */
#include "sim/fault.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "conf/suggest.h"

#define SECONDS_MAX 1e6
#define NUMBER_MAX 32 /* characters */

static const struct fv_sim_faults *const parts[] = {
    &fv_sim_faults_talk,   &fv_sim_faults_answer, &fv_sim_faults_wire,
    &fv_sim_faults_stream, &fv_sim_faults_media,
};

const struct fv_sim_fault *fv_sim_fault_at(unsigned index)
{
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (index < parts[i]->count)
            return &parts[i]->list[index];
        index -= parts[i]->count;
    }
    return NULL;
}

static int number(struct fv_slice text, double low, double high, double *ret_value)
{
    char copy[NUMBER_MAX], *end;
    if (!text.size || fv_slice_copy(text, copy, sizeof(copy)) < 0)
        return -EINVAL;
    if (copy[strspn(copy, "0123456789.+-eE")])
        return -EINVAL;
    double value = strtod(copy, &end);
    if (*end || !isfinite(value) || value < low || value > high)
        return -EINVAL;
    *ret_value = value;
    return 0;
}

static int whole(struct fv_slice text, uint64_t *ret_value)
{
    uint64_t value;
    if (fv_slice_u64(text, UINT32_MAX, &value) < 0 || !value)
        return -EINVAL;
    *ret_value = value;
    return 0;
}

static int set_cam(struct fv_sim_fault_spec *spec, struct fv_slice value)
{
    uint64_t first, last;
    struct fv_slice rest = value;
    spec->all = fv_slice_eq(value, FV_SLICE("all"));
    if (spec->all)
        return 0;
    spec->first = 0;
    spec->last = UINT32_MAX;
    spec->parity = fv_slice_eq(value, FV_SLICE("even"))  ? 0
                   : fv_slice_eq(value, FV_SLICE("odd")) ? 1
                                                         : 2;
    if (spec->parity < 2)
        return 0;
    struct fv_slice head = fv_slice_cut(&rest, '-');
    if (fv_slice_u64(head, UINT32_MAX, &first) < 0)
        return -EINVAL;
    last = first;
    if (head.size < value.size && fv_slice_u64(rest, UINT32_MAX, &last) < 0)
        return -EINVAL;
    spec->first = (unsigned)first;
    spec->last = (unsigned)last;
    return first <= last ? 0 : -EINVAL;
}

static int set_connections(struct fv_sim_fault_spec *spec, struct fv_slice value)
{
    return whole(value, &spec->connections);
}

static int set_since(struct fv_sim_fault_spec *spec, struct fv_slice value)
{
    static const char *const names[] = {"usual", "start", "connect", "play"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (fv_slice_eq(value, fv_slice_of(names[i]))) {
            spec->since = (enum fv_sim_since)i;
            return 0;
        }
    return -EINVAL;
}

static int seconds(struct fv_slice value, int64_t *ret_ns)
{
    double read;
    int rc = number(value, 0, SECONDS_MAX, &read);
    if (rc == 0)
        *ret_ns = (int64_t)(read * (double)FV_S);
    return rc;
}

static int set_after(struct fv_sim_fault_spec *spec, struct fv_slice value)
{
    return seconds(value, &spec->after);
}

static int set_for(struct fv_sim_fault_spec *spec, struct fv_slice value)
{
    return seconds(value, &spec->lasting);
}

static int set_packets(struct fv_sim_fault_spec *spec, struct fv_slice value)
{
    return whole(value, &spec->packets);
}

static int set_bytes(struct fv_sim_fault_spec *spec, struct fv_slice value)
{
    return whole(value, &spec->bytes);
}

static int set_every(struct fv_sim_fault_spec *spec, struct fv_slice value)
{
    return whole(value, &spec->every);
}

static int set_probability(struct fv_sim_fault_spec *spec, struct fv_slice value)
{
    return number(value, 1e-9, 1, &spec->probability);
}

/* What every fault understands. */
static const struct common_key {
    const char *name, *value, *help;
    int (*set)(struct fv_sim_fault_spec *spec, struct fv_slice value);
} common[] = {
    {"cam", "N|N-M|odd|even|all", "which cameras; the default is all", set_cam},
    {"connections", "N", "the first N connections to each camera; later ones are good",
     set_connections},
    {"since", "start|connect|play",
     "from when after and for count; usually from PLAY for the stream, else from the connection",
     set_since},
    {"after", "S", "not before S seconds", set_after},
    {"for", "S", "for S seconds, then no more", set_for},
    {"packets", "N", "not before N RTP packets of this PLAY", set_packets},
    {"bytes", "N", "not before N bytes on this connection", set_bytes},
    {"every", "N", "at every N-th chance: packet, picture, request or answer", set_every},
    {"probability", "P", "at a chance with this probability, above 0, at most 1", set_probability},
};

static int set_choice(const struct fv_sim_fault_key *key, struct fv_slice value, double *ret_value)
{
    struct fv_slice rest = fv_slice_of(key->choices);
    for (unsigned i = 0; rest.size; i++)
        if (fv_slice_eq(fv_slice_cut(&rest, ' '), value)) {
            *ret_value = i;
            return 0;
        }
    return -EINVAL;
}

static int set_own(const struct fv_sim_fault_key *key, struct fv_sim_fault_spec *spec,
                   struct fv_slice value)
{
    double *own = &spec->own[key - spec->fault->keys];
    switch (key->kind) {
    case FV_SIM_KEY_NUMBER:
        return number(value, key->low, key->high, own);
    case FV_SIM_KEY_CHOICE:
        return set_choice(key, value, own);
    default:
        for (size_t i = 0; i < value.size; i++)
            if (value.data[i] <= ' ' || value.data[i] == 0x7f)
                return -EINVAL;
        return value.size && fv_slice_copy(value, spec->text, sizeof(spec->text)) == 0 ? 0
                                                                                       : -EINVAL;
    }
}

/* The nearest of the fault's keys to a misspelt one. */
static const char *nearest_key(const struct fv_sim_fault *fault, const char *wanted)
{
    struct fv_suggest suggest = {.wanted = wanted};
    for (unsigned i = 0; i < FV_SIM_FAULT_OWN && fault->keys[i].name; i++)
        fv_suggest_offer(&suggest, fault->keys[i].name);
    for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
        fv_suggest_offer(&suggest, common[i].name);
    return suggest.best;
}

static int unknown_key(const struct fv_sim_fault *fault, struct fv_slice key, struct fv_error *err)
{
    char name[64] = "";
    (void)fv_slice_copy(key, name, sizeof(name));
    const char *best = nearest_key(fault, name);
    if (best)
        return fv_error_set(err, -EINVAL, "fault %s has no key '%s'; did you mean '%s'?",
                            fault->name, name, best);
    return fv_error_set(err, -EINVAL, "fault %s has no key '%s'; --fault help lists them all",
                        fault->name, name);
}

static const struct fv_sim_fault_key *own_key(const struct fv_sim_fault *fault,
                                              struct fv_slice name)
{
    for (unsigned i = 0; i < FV_SIM_FAULT_OWN && fault->keys[i].name; i++)
        if (fv_slice_eq(name, fv_slice_of(fault->keys[i].name)))
            return &fault->keys[i];
    return NULL;
}

static const struct common_key *common_key(struct fv_slice name)
{
    for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
        if (fv_slice_eq(name, fv_slice_of(common[i].name)))
            return &common[i];
    return NULL;
}

/* "between 1 and 5", "one of a, b"... */
static void describe_own(const struct fv_sim_fault_key *key, struct fv_str *out)
{
    if (key->kind == FV_SIM_KEY_NUMBER)
        fv_str_addf(out, "a number from %g to %g", key->low, key->high);
    else if (key->kind == FV_SIM_KEY_CHOICE)
        fv_str_addf(out, "one of: %s", key->choices);
    else
        fv_str_addf(out, "a text of at most %d characters without blanks", FV_SIM_FAULT_TEXT - 1);
}

static int set_key(struct fv_sim_fault_spec *spec, struct fv_slice pair, struct fv_error *err)
{
    struct fv_slice value = pair;
    struct fv_slice name = fv_slice_trim(fv_slice_cut(&value, '='));
    const struct fv_sim_fault_key *own = own_key(spec->fault, name);
    const struct common_key *shared = common_key(name);
    char wanted[200], given[64] = "";
    struct fv_str out;
    if (!own && !shared)
        return unknown_key(spec->fault, name, err);
    value = fv_slice_trim(value);
    if (own ? set_own(own, spec, value) == 0 : shared->set(spec, value) == 0)
        return 0;
    (void)fv_slice_copy(value, given, sizeof(given));
    fv_str_init(&out, wanted, sizeof(wanted));
    if (own)
        describe_own(own, &out);
    else
        fv_str_addf(&out, "%s: %s", shared->value, shared->help);
    return fv_error_set(err, -EINVAL, "fault %s: %s=%s is not %s", spec->fault->name,
                        own ? own->name : shared->name, given, wanted);
}

static int unknown_fault(struct fv_slice given, struct fv_error *err)
{
    char name[64] = "";
    (void)fv_slice_copy(given, name, sizeof(name));
    struct fv_suggest suggest = {.wanted = name};
    for (unsigned i = 0; fv_sim_fault_at(i); i++)
        fv_suggest_offer(&suggest, fv_sim_fault_at(i)->name);
    if (suggest.best)
        return fv_error_set(err, -EINVAL, "unknown fault '%s'; did you mean '%s'?", name,
                            suggest.best);
    return fv_error_set(err, -EINVAL, "unknown fault '%s'; --fault help lists them all", name);
}

static const struct fv_sim_fault *find_fault(struct fv_slice name)
{
    const struct fv_sim_fault *fault;
    for (unsigned i = 0; (fault = fv_sim_fault_at(i)); i++)
        if (fv_slice_eq(name, fv_slice_of(fault->name)))
            return fault;
    return NULL;
}

int fv_sim_fault_parse(const char *text, struct fv_sim_fault_spec *ret_spec, struct fv_error *err)
{
    struct fv_slice rest = fv_slice_of(text);
    struct fv_slice name = fv_slice_trim(fv_slice_cut(&rest, ':'));
    struct fv_sim_fault_spec spec = {
        .fault = find_fault(name), .all = true, .lasting = FV_TIME_NEVER};
    if (!spec.fault)
        return unknown_fault(name, err);
    for (unsigned i = 0; i < FV_SIM_FAULT_OWN; i++)
        spec.own[i] = spec.fault->keys[i].preset;
    while (rest.size) {
        int rc = set_key(&spec, fv_slice_cut(&rest, ','), err);
        if (rc < 0)
            return rc;
    }
    *ret_spec = spec;
    return 0;
}

bool fv_sim_fault_covers(const struct fv_sim_fault_spec *spec, unsigned camera)
{
    return spec->all || (camera >= spec->first && camera <= spec->last &&
                         (spec->parity == 2 || camera % 2 == spec->parity));
}

static void write_own(const struct fv_sim_fault_key *key, struct fv_str *out)
{
    fv_str_addf(out, "      %s=", key->name);
    if (key->kind == FV_SIM_KEY_CHOICE) {
        struct fv_slice rest = fv_slice_of(key->choices), preset = {0};
        for (unsigned i = 0; rest.size; i++) {
            struct fv_slice word = fv_slice_cut(&rest, ' ');
            fv_str_add_slice(out, word);
            fv_str_add(out, rest.size ? "|" : "  ");
            if (i == (unsigned)key->preset)
                preset = word;
        }
        fv_str_addf(out, "%s (default ", key->help);
        fv_str_add_slice(out, preset);
        fv_str_add(out, ")\n");
    } else if (key->kind == FV_SIM_KEY_NUMBER) {
        fv_str_addf(out, "%g..%g  %s (default %g)\n", key->low, key->high, key->help, key->preset);
    } else {
        fv_str_addf(out, "TEXT  %s\n", key->help);
    }
}

void fv_sim_fault_write_help(struct fv_str *out)
{
    const struct fv_sim_fault *fault;
    fv_str_add(out, "--fault NAME[:key=value,...]\n\nKeys of every fault:\n");
    for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
        fv_str_addf(out, "  %s=%s  %s\n", common[i].name, common[i].value, common[i].help);
    fv_str_add(out, "\nFaults and their own keys:\n");
    for (unsigned i = 0; (fault = fv_sim_fault_at(i)); i++) {
        fv_str_addf(out, "  %s  %s", fault->name, fault->help);
        if (fault->once)
            fv_str_add(out, "; once after PLAY, or as every and probability say");
        if (fault->probability > 0)
            fv_str_addf(out, "; probability %g unless given", fault->probability);
        fv_str_add(out, "\n");
        for (unsigned k = 0; k < FV_SIM_FAULT_OWN && fault->keys[k].name; k++)
            write_own(&fault->keys[k], out);
    }
}
