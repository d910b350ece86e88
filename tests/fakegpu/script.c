// SPDX-License-Identifier: Apache-2.0
/* The script of faults, and what it makes of a call. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "impl.h"

#define CALL_FAULTS 8

struct script fakegpu_plan;

static struct call_fault {
    char name[48];
    int code;
    atomic_int left;
} call_faults[CALL_FAULTS];
static unsigned call_fault_count;
static atomic_int calls_to_loss, allocations_to_failure, lost_code;
static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;

void fakegpu_abort(const char *call, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "fakegpu: %s: ", call);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    abort();
}

/* "NAME:N[:CODE]" */
static void add_call_fault(const char *text)
{
    struct call_fault *fault = &call_faults[call_fault_count];
    int n = 1;
    if (call_fault_count == CALL_FAULTS ||
        sscanf(text, "%47[^:]:%d:%d", fault->name, &n, &fault->code) < 1)
        fakegpu_abort("FOVEA_FAKE_GPU", "cannot read call-fail=%s", text);
    atomic_store(&fault->left, n);
    call_fault_count++;
}

static bool read_number(const char *word, const char *name, int *ret_value)
{
    size_t length = strlen(name);
    if (strncmp(word, name, length) != 0 || word[length] != '=')
        return false;
    *ret_value = atoi(word + length + 1);
    return true;
}

static void read_word(struct script *plan, const char *word)
{
    const struct {
        const char *name;
        int *value;
    } numbers[] = {
        {"driver", &plan->driver},         {"devices", &plan->devices},
        {"memory-mb", &plan->memory_mb},   {"free-mb", &plan->free_mb},
        {"compute", &plan->compute},       {"alloc-fail", &plan->alloc_fail},
        {"lost-after", &plan->lost_after}, {"slow-ms", &plan->slow_ms},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (read_number(word, numbers[i].name, numbers[i].value)) {
            const char *code = strchr(word, ':');
            if (code && numbers[i].value == &plan->lost_after)
                plan->lost_code = atoi(code + 1);
            return;
        }
    if (!strncmp(word, "call-fail=", 10))
        add_call_fault(word + 10);
    else if (!strcmp(word, "no-device"))
        plan->no_device = true;
    else if (!strcmp(word, "fixed-flags"))
        plan->fixed_flags = true;
    else if (!strcmp(word, "reset-helps"))
        plan->reset_helps = true;
    else if (!strcmp(word, "leaks=ok"))
        plan->leaks_ok = true;
}

static void read_script(const char *text)
{
    struct script plan = {.driver = 13000,
                          .devices = 1,
                          .memory_mb = 1024,
                          .free_mb = 1 << 20,
                          .compute = 9,
                          .lost_code = FV_CUDA_ILLEGAL_ADDRESS};
    char copy[sizeof(plan.text)], *rest = copy, *word;
    snprintf(plan.text, sizeof(plan.text), "%s", text);
    memcpy(copy, plan.text, sizeof(copy));
    memset(call_faults, 0, sizeof(call_faults));
    for (unsigned i = 0; i < CALL_FAULTS; i++)
        call_faults[i].code = FV_CUDA_INVALID_VALUE;
    call_fault_count = 0;
    while ((word = strsep(&rest, ",")))
        read_word(&plan, word);
    atomic_store(&calls_to_loss, plan.lost_after);
    atomic_store(&allocations_to_failure, plan.alloc_fail);
    fakegpu_plan = plan;
}

static char seen[sizeof(fakegpu_plan.text)]; /* of the environment */
static bool was_read;

/* True when the environment's script is another one than at the last look. */
static bool look(void)
{
    const char *text = getenv("FOVEA_FAKE_GPU");
    bool changed = !was_read || strncmp(seen, text ? text : "", sizeof(seen) - 1) != 0;
    snprintf(seen, sizeof(seen), "%s", text ? text : "");
    was_read = true;
    return changed;
}

void fakegpu_script(const char *script)
{
    pthread_mutex_lock(&reading);
    look();
    read_script(script);
    fakegpu_lose(0);
    pthread_mutex_unlock(&reading);
}

void fakegpu_script_read(void)
{
    pthread_mutex_lock(&reading);
    if (look())
        read_script(seen);
    pthread_mutex_unlock(&reading);
}

int fakegpu_number(const char *name, int fallback)
{
    size_t length = strlen(name);
    for (const char *at = fakegpu_plan.text; (at = strstr(at, name)); at += length)
        if ((at == fakegpu_plan.text || at[-1] == ',') && at[length] == '=')
            return atoi(at + length + 1);
    return fallback;
}

/* Counts down; true at the moment when it comes to zero. */
static bool is_due(atomic_int *left)
{
    int value = atomic_load_explicit(left, memory_order_relaxed);
    while (value > 0)
        if (atomic_compare_exchange_weak_explicit(left, &value, value - 1, memory_order_relaxed,
                                                  memory_order_relaxed))
            return value == 1;
    return false;
}

bool fakegpu_allocation_fails(void)
{
    return is_due(&allocations_to_failure);
}

void fakegpu_lose(int code)
{
    atomic_store(&lost_code, code);
}

bool fakegpu_is_lost(void)
{
    return atomic_load_explicit(&lost_code, memory_order_relaxed) != 0;
}

CUresult fakegpu_lost_code(void)
{
    return (CUresult)atomic_load_explicit(&lost_code, memory_order_relaxed);
}

CUresult fakegpu_count(const char *call)
{
    if (is_due(&calls_to_loss))
        fakegpu_lose(fakegpu_plan.lost_code);
    for (unsigned i = 0; i < call_fault_count; i++)
        if (!strcmp(call_faults[i].name, call) && is_due(&call_faults[i].left))
            return (CUresult)call_faults[i].code;
    return CUDA_SUCCESS;
}

CUresult fakegpu_enter(const char *call)
{
    fakegpu_current(call);
    CUresult result = fakegpu_count(call);
    if (result != CUDA_SUCCESS)
        return result;
    return fakegpu_lost_code();
}
