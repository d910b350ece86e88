// SPDX-License-Identifier: Apache-2.0
#include "ingest/pace.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"

struct fv_pace_host {
    struct fv_list link; /* in pace.hosts */
    struct fv_list turn; /* in pace.turns, or self-linked */
    struct fv_list queue;
    unsigned clients, active;
    char name[];
};

void fv_pace_init(struct fv_pace *pace, unsigned rate, unsigned per_host)
{
    pace->gap = fv_max64(FV_S / (rate ? rate : 1), 1);
    pace->per_host = per_host ? per_host : 1;
    pace->next = 0;
    fv_list_init(&pace->hosts);
    fv_list_init(&pace->turns);
}

struct fv_pace_host *fv_pace_host_create(const char *name)
{
    size_t size = strlen(name) + 1;
    struct fv_pace_host *host = fv_calloc(1, sizeof(*host) + size);
    if (!host)
        return NULL;
    fv_list_init(&host->link);
    fv_list_init(&host->turn);
    fv_list_init(&host->queue);
    memcpy(host->name, name, size);
    return host;
}

void fv_pace_host_destroy(struct fv_pace_host *host)
{
    fv_free(host);
}

static struct fv_pace_host *find(const struct fv_pace *pace, const char *name)
{
    FV_LIST_FOR (it, &pace->hosts) {
        struct fv_pace_host *host = FV_CONTAINER(it, struct fv_pace_host, link);
        if (fv_slice_eq_nocase(fv_slice_of(host->name), fv_slice_of(name)))
            return host;
    }
    return NULL;
}

void fv_pace_join(struct fv_pace *pace, struct fv_pace_client *client, struct fv_pace_host *host)
{
    struct fv_pace_host *known = find(pace, host->name);
    if (known)
        fv_pace_host_destroy(host);
    else
        fv_list_append(&pace->hosts, &host->link);
    client->host = known ? known : host;
    client->host->clients++;
    client->state = FV_PACE_IDLE;
    fv_list_init(&client->link);
}

/* A host is in the turns exactly when it has somebody waiting and a free place; it keeps its turn while that is so. */
static void update_turn(struct fv_pace *pace, struct fv_pace_host *host)
{
    bool wants = !fv_list_empty(&host->queue) && host->active < pace->per_host;
    bool listed = !fv_list_empty(&host->turn);
    if (wants && !listed)
        fv_list_append(&pace->turns, &host->turn);
    else if (!wants && listed)
        fv_list_remove(&host->turn);
}

void fv_pace_ask(struct fv_pace *pace, struct fv_pace_client *client)
{
    fv_pace_done(pace, client);
    client->state = FV_PACE_WAITING;
    fv_list_append(&client->host->queue, &client->link);
    update_turn(pace, client->host);
}

struct fv_pace_client *fv_pace_take(struct fv_pace *pace, int64_t now)
{
    if (now < pace->next || fv_list_empty(&pace->turns))
        return NULL;
    struct fv_pace_host *host = FV_CONTAINER(pace->turns.next, struct fv_pace_host, turn);
    struct fv_pace_client *client = FV_CONTAINER(host->queue.next, struct fv_pace_client, link);
    fv_list_remove(&client->link);
    client->state = FV_PACE_ACTIVE;
    host->active++;
    /* To the end of the turns. */
    fv_list_remove(&host->turn);
    update_turn(pace, host);
    pace->next = now + pace->gap;
    return client;
}

void fv_pace_done(struct fv_pace *pace, struct fv_pace_client *client)
{
    if (client->state == FV_PACE_WAITING)
        fv_list_remove(&client->link);
    else if (client->state == FV_PACE_ACTIVE)
        client->host->active--;
    else
        return;
    client->state = FV_PACE_IDLE;
    update_turn(pace, client->host);
}

void fv_pace_leave(struct fv_pace *pace, struct fv_pace_client *client)
{
    struct fv_pace_host *host = client->host;
    if (!host)
        return;
    fv_pace_done(pace, client);
    client->host = NULL;
    if (--host->clients > 0)
        return;
    fv_list_remove(&host->link);
    fv_list_remove(&host->turn);
    fv_free(host);
}

int64_t fv_pace_due(const struct fv_pace *pace)
{
    return fv_list_empty(&pace->turns) ? FV_TIME_NEVER : pace->next;
}
