// SPDX-License-Identifier: Apache-2.0
#include "rtp/sequence.h"

#include "base/clock.h"

#define DROPOUT_MAX 3000 /* A.1: a larger step forward is a jump */
#define MISORDER_MAX 100 /* A.1: a larger step back is one, too */

void fv_sequence_start(struct fv_sequence *sequence, uint16_t seq)
{
    int64_t lost = sequence->received ? fv_sequence_lost(sequence) : 0;
    uint64_t lost_before = sequence->lost_before + (lost > 0 ? (uint64_t)lost : 0);
    *sequence = (struct fv_sequence){
        .clock_rate = sequence->clock_rate,
        .first = seq,
        .highest = (int64_t)seq - 1,
        .lost_before = lost_before,
    };
}

int64_t fv_sequence_ahead(const struct fv_sequence *sequence, uint16_t seq)
{
    return (int16_t)(uint16_t)(seq - (uint16_t)sequence->highest);
}

void fv_sequence_skip(struct fv_sequence *sequence, uint16_t seq)
{
    sequence->highest += fv_sequence_ahead(sequence, seq) - 1;
    sequence->seen = 0;
}

enum fv_arrival fv_sequence_update(struct fv_sequence *sequence, uint16_t seq,
                                   int64_t *ret_extended)
{
    int step = (int)fv_sequence_ahead(sequence, seq);
    if (step > DROPOUT_MAX || step < -MISORDER_MAX)
        return FV_ARRIVAL_JUMP;
    *ret_extended = sequence->highest + step;
    sequence->received++;
    if (step > 0) {
        sequence->seen = step < 64 ? sequence->seen << step | 1 : 1;
        sequence->highest += step;
        return FV_ARRIVAL_AHEAD;
    }
    if (step <= -64)
        return FV_ARRIVAL_LATE;
    uint64_t bit = UINT64_C(1) << -step;
    bool known = sequence->seen & bit;
    sequence->seen |= bit;
    return known ? FV_ARRIVAL_DUPLICATE : FV_ARRIVAL_LATE;
}

void fv_sequence_jitter(struct fv_sequence *sequence, int64_t arrival, uint32_t timestamp)
{
    uint64_t ns = (uint64_t)arrival, rate = sequence->clock_rate;
    uint32_t units = (uint32_t)(ns / FV_S * rate + ns % FV_S * rate / FV_S);
    uint32_t transit = units - timestamp;
    if (sequence->timed) {
        int32_t step = (int32_t)(transit - sequence->transit);
        uint32_t distance = step < 0 ? 0u - (uint32_t)step : (uint32_t)step;
        sequence->jitter16 += distance - ((sequence->jitter16 + 8) >> 4);
    }
    sequence->transit = transit;
    sequence->timed = true;
}

static uint64_t expected(const struct fv_sequence *sequence)
{
    return (uint64_t)(sequence->highest - sequence->first + 1);
}

int64_t fv_sequence_lost(const struct fv_sequence *sequence)
{
    return (int64_t)(expected(sequence) - sequence->received);
}

uint8_t fv_sequence_fraction(struct fv_sequence *sequence)
{
    uint64_t now_expected = expected(sequence);
    int64_t interval = (int64_t)(now_expected - sequence->expected_reported);
    int64_t lost = interval - (int64_t)(sequence->received - sequence->received_reported);
    sequence->expected_reported = now_expected;
    sequence->received_reported = sequence->received;
    if (interval <= 0 || lost <= 0)
        return 0;
    int64_t fraction = lost * 256 / interval;
    return fraction > 255 ? 255 : (uint8_t)fraction;
}
