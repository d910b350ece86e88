// SPDX-License-Identifier: Apache-2.0
/* The cameras: RTSP_STREAMS as a list of objects, and the two older forms (name -> address; a list
 * of addresses). */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/redact.h"
#include "base/str.h"
#include "conf/areas.h"
#include "conf/check.h"
#include "conf/mask.h"

/* One entry of RTSP_STREAMS, in whatever form. */
struct entry {
    uint32_t node;
    const json_t *value;
    const char *name; /* older form name -> address; else NULL */
};

static void wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    fv_free(secret);
}

void fv_camera_finish(struct fv_conf_camera *camera)
{
    fv_free(camera->name);
    wipe(camera->url);
    fv_free(camera->tls_ca_file);
    explicit_bzero(&camera->address, sizeof(camera->address));
    fv_areas_finish(&camera->zones);
    fv_areas_finish(&camera->lines);
    camera->name = camera->url = camera->tls_ca_file = NULL;
}

void fv_draft_finish(struct fv_conf_draft *draft)
{
    fv_camera_finish(&draft->camera);
    fv_free(draft->username);
    fv_free(draft->password_env);
    fv_free(draft->password_file);
    *draft = (struct fv_conf_draft){0};
}

/* Characters of a name, or 0 when it must not be used: it becomes part of file names and lines of
 * text. */
static size_t name_length(const char *name)
{
    size_t characters = 0;
    if (!strcmp(name, ".") || !strcmp(name, ".."))
        return 0;
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
        if (*c < 0x20 || *c == 0x7F || *c == '/' || *c == '\\' || (*c == 0xC2 && c[1] < 0xA0))
            return 0;
        characters += (*c & 0xC0) != 0x80;
    }
    return characters;
}

/* Where the name stands: the key of an older form, the member "name", or the entry. */
static uint32_t name_node(const struct fv_check *check, const struct entry *entry)
{
    uint32_t node = fv_map_child(&check->map, entry->node, "name");
    return node != FV_NODE_NONE ? node : entry->node;
}

static void check_name(struct fv_check *check, const struct entry *entry, const char *name)
{
    char shown[16];
    size_t length = name_length(name);
    bool secret = fv_redact(name, shown, sizeof(shown)) != name; /* it would be in each event */
    if (!secret && length >= 1 && length <= FV_CONF_NAME_MAX && strlen(name) <= FV_CONF_NAME_BYTES)
        return;
    struct fv_say about = {FV_SEVERITY_ERROR, "bad_name", name_node(check, entry),
                           .at_value = !entry->name,
                           .fix = "Use 1 to 64 letters, digits, spaces, '-' or '_'."};
    if (secret)
        fv_say(check, about, "A camera's name is shown everywhere: this one holds a password.");
    else
        fv_say(check, about,
               "A camera's name has 1 to %d characters, and no slashes or control characters.",
               FV_CONF_NAME_MAX);
}

static void check_duplicate(struct fv_check *check, const struct entry *entry, const char *name)
{
    char shown[FV_SHOW_MAX];
    for (unsigned i = 0; i < check->config->cameras.count; i++) {
        const char *other = check->config->cameras.items[i].name;
        if (!other || strcmp(other, name))
            continue;
        fv_say(check,
               (struct fv_say){FV_SEVERITY_ERROR, "duplicate_camera", name_node(check, entry),
                               .at_value = !entry->name, .fix = "Give each camera its own name."},
               "Two cameras are called \"%s\".", fv_mask_show(name, shown));
        return;
    }
}

/* Every camera has a name; where the file gives none it is camera-1, camera-2 and so on. */
static void settle_name(struct fv_check *check, const struct entry *entry,
                        struct fv_conf_camera *camera)
{
    uint32_t given = fv_map_child(&check->map, entry->node, "name");
    if (entry->name)
        camera->name = fv_strdup(entry->name);
    else if (!camera->name && given == FV_NODE_NONE)
        camera->name = fv_asprintf("camera-%u", check->map.nodes[entry->node].index + 1);
    else if (!camera->name)
        return; /* it was reported */
    if (!camera->name) {
        check->failure = -ENOMEM;
        return;
    }
    check_name(check, entry, camera->name);
    check_duplicate(check, entry, camera->name);
}

static void settle_address(struct fv_check *check, const struct entry *entry,
                           struct fv_conf_camera *camera)
{
    struct fv_error err = {0};
    uint32_t node = fv_map_child(&check->map, entry->node, "url");
    if (!camera->url && node == FV_NODE_NONE) {
        fv_say(check,
               (struct fv_say){FV_SEVERITY_ERROR, "missing_key", entry->node,
                               .fix = "Add \"url\": \"rtsp://host:port/path\"."},
               "The camera has no url.");
        return;
    }
    if (!camera->url)
        return; /* it was reported */
    if (node == FV_NODE_NONE)
        node = entry->node;
    if (fv_url_parse(camera->url, &camera->address, &err) < 0) {
        fv_say(check,
               (struct fv_say){FV_SEVERITY_ERROR, "bad_url", node, .at_value = true,
                               .fix = "Write rtsp://host:port/path; in a user name or password "
                                      "write '@' as %40, ':' as %3A and '/' as %2F."},
               "The url cannot be used: %s.", err.text);
        return;
    }
    if (camera->address.has_user)
        fv_say(check,
               (struct fv_say){FV_SEVERITY_WARNING, "credentials_in_url", node, .at_value = true,
                               .fix = "Use USERNAME with PASSWORD_ENV or PASSWORD_FILE."},
               "The url holds credentials: whoever reads this file has them.");
}

static bool refers_to_credentials(const struct fv_check *check, uint32_t node)
{
    static const char *const names[] = {"USERNAME", "PASSWORD_ENV", "PASSWORD_FILE"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (fv_map_child(&check->map, node, names[i]) != FV_NODE_NONE)
            return true;
    return false;
}

static void check_backoff(struct fv_check *check, const struct fv_conf_camera *camera,
                          uint32_t parent)
{
    uint32_t initial = fv_map_child(&check->map, parent, "BACKOFF_INITIAL_S");
    uint32_t maximum = fv_map_child(&check->map, parent, "BACKOFF_MAX_S");
    if (camera->backoff_initial_s <= camera->backoff_max_s ||
        (initial == FV_NODE_NONE && maximum == FV_NODE_NONE))
        return;
    fv_say(check,
           (struct fv_say){FV_SEVERITY_ERROR, "backoff_order",
                           initial != FV_NODE_NONE ? initial : maximum, .at_value = true,
                           .fix = "Make BACKOFF_MAX_S the larger one."},
           "BACKOFF_INITIAL_S %.10g is larger than BACKOFF_MAX_S %.10g.", camera->backoff_initial_s,
           camera->backoff_max_s);
}

static int borrow(char **at, const char *from)
{
    *at = fv_strdup(from);
    return from && !*at ? -ENOMEM : 0;
}

/* Starts from the engine-wide defaults. A camera that names credentials of its own does not mix
 * them with the common ones. */
static int draft_init(const struct fv_check *check, bool own, struct fv_conf_draft *draft)
{
    *draft = (struct fv_conf_draft){.camera = check->defaults.camera};
    draft->camera.tls_ca_file = NULL;
    if (borrow(&draft->camera.tls_ca_file, check->defaults.camera.tls_ca_file) < 0)
        return -ENOMEM;
    if (own)
        return 0;
    if (borrow(&draft->username, check->defaults.username) < 0 ||
        borrow(&draft->password_env, check->defaults.password_env) < 0 ||
        borrow(&draft->password_file, check->defaults.password_file) < 0)
        return -ENOMEM;
    return 0;
}

static void check_object(struct fv_check *check, const struct entry *entry,
                         struct fv_conf_draft *draft)
{
    for (uint32_t i = check->map.nodes[entry->node].first; i != FV_NODE_NONE;
         i = check->map.nodes[i].next) {
        struct fv_member member = {
            .section = "cameras",
            .in_camera = true,
            .node = i,
            .value = json_object_get(entry->value, check->map.nodes[i].name),
            .draft = draft,
        };
        fv_check_member(check, &member);
    }
}

static bool read_entry(struct fv_check *check, const struct entry *entry,
                       struct fv_conf_draft *draft)
{
    if (json_is_object(entry->value) && !entry->name) {
        check_object(check, entry, draft);
        return true;
    }
    if (json_is_string(entry->value)) {
        draft->camera.url = fv_strdup(json_string_value(entry->value));
        if (!draft->camera.url)
            check->failure = -ENOMEM;
        return true;
    }
    fv_say(
        check,
        (struct fv_say){FV_SEVERITY_ERROR, "wrong_type", entry->node, .at_value = true,
                        .fix = "Write { \"name\": \"...\", \"url\": \"rtsp://...\" } in a list."},
        "A camera must be an object with name and url.");
    check->blind = true;
    return false;
}

static void check_areas(struct fv_check *check, const struct entry *entry,
                        struct fv_conf_camera *camera)
{
    fv_check_areas(check, entry->node, entry->value, &camera->zones, &camera->lines);
    if (camera->zones.given || camera->lines.given)
        fv_check_areas_joined(check, entry->node,
                              camera->zones.given ? &camera->zones : &check->config->cameras.zones,
                              camera->lines.given ? &camera->lines : &check->config->cameras.lines);
}

static void add_camera(struct fv_check *check, const struct entry *entry)
{
    struct fv_conf_draft draft;
    bool own = refers_to_credentials(check, entry->node);
    if (draft_init(check, own, &draft) < 0)
        check->failure = -ENOMEM;
    else if (read_entry(check, entry, &draft)) {
        settle_name(check, entry, &draft.camera);
        settle_address(check, entry, &draft.camera);
        check_backoff(check, &draft.camera, entry->node);
        check_areas(check, entry, &draft.camera);
        fv_check_credentials(check, &draft, entry->node, own);
        check->config->cameras.items[check->config->cameras.count++] = draft.camera;
        draft.camera = (struct fv_conf_camera){0};
    }
    fv_draft_finish(&draft);
}

static void older_form(struct fv_check *check, uint32_t node, const char *what)
{
    fv_say(
        check,
        (struct fv_say){
            FV_SEVERITY_OBSOLETE, "older_form", node,
            .fix = "Write a list of objects: [ { \"name\": \"...\", \"url\": \"rtsp://...\" } ]."},
        "RTSP_STREAMS is %s; this older form is still read.", what);
}

static void check_object_form(struct fv_check *check, uint32_t streams, const json_t *value)
{
    if (json_object_get(value, "url")) {
        fv_say(check,
               (struct fv_say){FV_SEVERITY_ERROR, "wrong_type", streams, .at_value = true,
                               .fix = "Put [ and ] around it."},
               "RTSP_STREAMS must be a list of cameras, not one camera.");
        check->blind = true;
        return;
    }
    older_form(check, streams, "an object of names and addresses");
    for (uint32_t i = check->map.nodes[streams].first; i != FV_NODE_NONE;
         i = check->map.nodes[i].next) {
        const char *name = check->map.nodes[i].name;
        struct entry entry = {.node = i, .value = json_object_get(value, name), .name = name};
        uint32_t first = check->map.nodes[i].duplicate_of;
        if (first == FV_NODE_NONE)
            add_camera(check, &entry);
        else
            check_duplicate(check, &entry, name);
    }
}

static void check_list_form(struct fv_check *check, uint32_t streams, const json_t *value)
{
    bool said = false;
    uint32_t node = check->map.nodes[streams].first;
    for (size_t i = 0; i < json_array_size(value) && node != FV_NODE_NONE; i++) {
        struct entry entry = {.node = node, .value = json_array_get(value, i)};
        if (json_is_string(entry.value) && !said)
            older_form(check, streams, "a list of addresses");
        said |= json_is_string(entry.value);
        add_camera(check, &entry);
        node = check->map.nodes[node].next;
    }
}

/* There is room for one more than the file has. */
static void add_stand_in(struct fv_check *check)
{
    struct fv_conf_draft draft;
    if (draft_init(check, true, &draft) == 0) {
        struct fv_conf_camera *camera = &draft.camera;
        camera->enabled = true;
        camera->name = fv_strdup("file");
        camera->url = fv_strdup("rtsp://localhost/");
        if (!camera->name || !camera->url || fv_url_parse(camera->url, &camera->address, NULL) < 0)
            check->failure = -ENOMEM;
        check->config->cameras.items[check->config->cameras.count++] = *camera;
        check->config->cameras.stand_in = true;
        *camera = (struct fv_conf_camera){0};
    } else {
        check->failure = -ENOMEM;
    }
    fv_draft_finish(&draft);
}

static void check_sources(struct fv_check *check, uint32_t streams)
{
    uint32_t section = check->cameras;
    if (check->blind)
        return;
    for (unsigned i = 0; i < check->config->cameras.count; i++)
        if (check->config->cameras.items[i].enabled)
            return;
    if (check->stand_in) {
        add_stand_in(check);
        return;
    }
    fv_say(check,
           (struct fv_say){FV_SEVERITY_ERROR, "no_source",
                           streams != FV_NODE_NONE   ? streams
                           : section != FV_NODE_NONE ? section
                                                     : FV_NODE_NONE,
                           .key = "cameras.RTSP_STREAMS",
                           .fix = "Add { \"name\": \"...\", \"url\": \"rtsp://...\" } to "
                                  "cameras.RTSP_STREAMS, or enable one that is there."},
           "No camera is enabled.");
}

void fv_check_cameras(struct fv_check *check)
{
    uint32_t streams;
    const json_t *value = fv_check_given(check, "cameras", "RTSP_STREAMS", &streams);
    check_backoff(check, &check->defaults.camera, check->cameras);
    struct fv_conf_areas *zones = &check->config->cameras.zones;
    struct fv_conf_areas *lines = &check->config->cameras.lines;
    fv_check_areas(check, check->cameras, json_object_get(check->root, "cameras"), zones, lines);
    fv_check_areas_joined(check, check->cameras, zones, lines);
    if (streams != FV_NODE_NONE && check->map.nodes[streams].repeated)
        return;
    size_t count = json_is_array(value) ? json_array_size(value) : json_object_size(value);
    if (count > FV_CONF_CAMERAS_MAX) {
        fv_say(check,
               (struct fv_say){FV_SEVERITY_ERROR, "too_large", streams, .at_value = true,
                               .fix = "Split the cameras over several engines."},
               "There are more than %d cameras.", FV_CONF_CAMERAS_MAX);
        return;
    }
    check->config->cameras.items = fv_calloc(count + 1, sizeof(*check->config->cameras.items));
    if (!check->config->cameras.items) {
        check->failure = -ENOMEM;
        return;
    }
    if (json_is_array(value))
        check_list_form(check, streams, value);
    else if (json_is_object(value))
        check_object_form(check, streams, value);
    check_sources(check, streams);
}
