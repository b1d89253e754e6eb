/*
 * What several keys say together: what an account and a channel of each kind need, what may listen where,
 * which pause is the longer one. Looks at what was *written*, so that a mistake in one key is not reported
 * again as its absence.
 */
#include "base/config_read.h"
#include "base/config_value.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>

struct rules {
    struct config *config;
    const struct node *root;
    struct config_mistakes *mistakes;
};

static const struct node *member(const struct node *map, const char *name)
{
    for (size_t i = 0; map && map->kind == NODE_MAP && i < map->child_n; i++)
        if (strcmp(map->child[i].name, name) == 0)
            return &map->child[i];
    return NULL;
}

static unsigned line_of(const struct node *map, const char *name, unsigned otherwise)
{
    const struct node *node = member(map, name);
    return node ? node->line : otherwise;
}

/* written gives the node of name or of name_file. */
static const struct node *written(const struct node *map, const char *name)
{
    char file[KEY_PATH_MAX];
    snprintf(file, sizeof file, "%s_file", name);
    const struct node *node = member(map, name);
    return node ? node : member(map, file);
}

#define MISTAKE(r, line, section, name, key, ...)                                                            \
    do {                                                                                                     \
        char path_[256];                                                                                     \
        snprintf(path_, sizeof path_, "%s.%.80s%s", section, name, key);                                     \
        config_mistake((r)->mistakes, line, path_, __VA_ARGS__);                                             \
    } while (0)

static void check_pair(struct rules *r, const char *group_path, const struct node *group, const char *a,
                       const char *b)
{
    const struct node *first = written(group, a), *second = written(group, b);
    if ((first == NULL) == (second == NULL))
        return;
    config_mistake(r->mistakes, (first ? first : second)->line, group_path,
                   "%s and %s belong together; write %s too", a, b, first ? b : a);
}

static void check_listeners(struct rules *r)
{
    const struct config *c = r->config;
    const struct node *admin = member(r->root, "admin"), *listen = member(admin, "listen");
    check_pair(r, "tls", member(r->root, "tls"), "cert", "key");
    if (!config_address_is_loopback(c->admin_listen) && !written(admin, "token"))
        config_mistake(r->mistakes, listen ? listen->line : 0, "admin.token",
                       "%s can be reached from other machines; write a token_file, or listen on 127.0.0.1",
                       c->admin_listen);
    if (strcmp(c->listen, c->admin_listen) == 0 && strstr(c->listen, ":0") == NULL)
        config_mistake(r->mistakes, listen ? listen->line : 0, "admin.listen",
                       "%s is the public listener too; choose another port", c->admin_listen);
}

static bool has_api_key(const struct config *c, const struct config_account *a)
{
    for (size_t i = 0; i < c->channel_n; i++)
        if (c->channel[i].api_key && (c->channel[i].account == a || c->account_n == 1))
            return true;
    return false;
}

static void check_oauth(struct rules *r, const struct config_account *a, const struct node *app)
{
    static const char *const names[] = {"client_id", "client_secret", "redirect_uris"};
    const struct node *oauth = member(app, "oauth");
    char path[128];
    if (!oauth || oauth->kind != NODE_MAP || oauth->child_n == 0)
        return;
    snprintf(path, sizeof path, "accounts.%.80s.app.oauth", a->name);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!written(oauth, names[i]))
            config_mistake(r->mistakes, oauth->line, path,
                           "%s is missing; write client_id, client_secret and "
                           "redirect_uris",
                           names[i]);
    if (!written(app, "secret"))
        config_mistake(r->mistakes, oauth->line, path,
                       "the app's uid and secret are missing; write them above");
    if (!has_api_key(r->config, a))
        config_mistake(
            r->mistakes, oauth->line, path,
            "people sign in with the api_key of a channel, and no channel of this account has one");
}

static void check_account(struct rules *r, struct config_account *a)
{
    const struct node *app = member(member(member(r->root, "accounts"), a->name), "app");
    char path[128];
    snprintf(path, sizeof path, "accounts.%.80s.app", a->name);
    check_pair(r, path, app, "uid", "secret");
    check_oauth(r, a, app);
}

static const struct node *account_node(struct rules *r, const struct config_channel *c)
{
    return member(member(r->root, "accounts"), c->account->name);
}

static void copy_secrets(struct config_secrets *to, const struct config_secrets *from)
{
    for (size_t i = 0; i < from->n; i++)
        config_secrets_add(to, from->item[i]);
}

static void require(struct rules *r, const struct config_channel *c, const struct node *node,
                    const struct config_key *k)
{
    const char *name = strrchr(k->path, '.');
    if (!member(node, name + 1))
        MISTAKE(r, c->line, "channels", c->name, name, "this key is missing; write %s: %s", name + 1,
                config_kind_example(k->kind));
}

static void require_keys(struct rules *r, const struct config_channel *c, const struct node *node)
{
    for (size_t i = 0; i < config_key_n; i++) {
        const struct config_key *k = &config_keys[i];
        if (k->is_required && config_key_scope(k) == SCOPE_CHANNEL)
            require(r, c, node, k);
    }
}

static void complete_custom(struct rules *r, struct config_channel *c, const struct node *node)
{
    const struct node *account = account_node(r, c);
    if (c->api_key)
        MISTAKE(r, c->line, "channels", c->name, ".api_key",
                "Front asks for a key only where application channels are connected; remove it");
    if (!written(account, "token"))
        MISTAKE(r, c->line, "channels", c->name, "",
                "a custom channel answers with an API token; write token or token_file in account \"%s\"",
                c->account->name);
    if (!written(node, "secrets") && !written(account, "secrets"))
        MISTAKE(r, c->line, "channels", c->name, ".secrets",
                "nothing tells Front's callbacks from others; write secrets here or in account \"%s\"",
                c->account->name);
    if (c->secrets.n == 0)
        copy_secrets(&c->secrets, &c->account->secrets);
}

/* What an authorization can mean has to be clear: see bridge/choice.h. */
static bool is_nameless(const struct config_channel *c)
{
    return !c->front_channel && !c->api_key && !c->address;
}

static bool is_same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static void check_names(struct rules *r, const struct config_channel *c, const struct node *node)
{
    for (const struct config_channel *o = r->config->channel; o < c; o++) {
        if (o->account != c->account || o->kind != CHANNEL_APPLICATION)
            continue;
        if (is_same(o->api_key, c->api_key))
            MISTAKE(r, c->line, "channels", c->name, ".api_key",
                    "channel \"%s\" has the same key; each key names one channel", o->name);
        if (is_same(o->address, c->address))
            MISTAKE(r, line_of(node, "address", c->line), "channels", c->name, ".address",
                    "channel \"%s\" has the same address; each address names one channel", o->name);
        if (is_nameless(c) && is_nameless(o))
            MISTAKE(r, c->line, "channels", c->name, ".api_key",
                    "nothing tells this channel from \"%s\" when one is connected in Front; write an api_key "
                    "or the front_channel of each",
                    o->name);
    }
}

static void check_connection(struct rules *r, const struct config_channel *c)
{
    if (!c->front_channel && !written(r->root, "public_url"))
        MISTAKE(
            r, c->line, "channels", c->name, "",
            "Front has to be told where this channel is when it is connected; write public_url: https://… at "
            "the top, or the channel's front_channel here");
}

static void complete_application(struct rules *r, struct config_channel *c, const struct node *node)
{
    check_names(r, c, node);
    check_connection(r, c);
    const struct node *app = member(account_node(r, c), "app");
    if (!written(app, "uid") && !written(app, "secret"))
        MISTAKE(r, c->line, "channels", c->name, "",
                "an application channel belongs to an app of yours; write app: {uid, secret_file} in account "
                "\"%s\"",
                c->account->name);
    if (c->secrets.n == 0 && c->account->app_secret)
        config_secrets_add(&c->secrets, c->account->app_secret);
}

static void take_only_account(struct rules *r, struct config_channel *c)
{
    if (r->config->account_n == 1)
        c->account = &r->config->account[0];
    else if (r->config->account_n == 0)
        MISTAKE(r, c->line, "channels", c->name, ".account",
                "there is no account yet; write one under accounts: and its name here");
    else
        MISTAKE(r, c->line, "channels", c->name, ".account",
                "there are several accounts; write which one this channel belongs to");
}

static void check_twins(struct rules *r, const struct config_channel *c)
{
    for (const struct config_channel *o = r->config->channel; c->front_channel && o < c; o++)
        if (o->front_channel && o->account == c->account && strcmp(o->front_channel, c->front_channel) == 0)
            MISTAKE(r, c->line, "channels", c->name, ".front_channel",
                    "channel \"%s\" has the same id; each channel of Front belongs to one channel here",
                    o->name);
}

static void check_retry(struct rules *r, const struct config_channel *c, const struct node *node)
{
    const struct node *retry = member(node, "retry");
    if (c->retry_max_ms < c->retry_first_ms)
        MISTAKE(r, line_of(retry, "max", c->line), "channels", c->name, ".retry.max",
                "the longest pause is shorter than the first; write at least what first says");
    if (c->retry_give_up_ms < c->retry_first_ms)
        MISTAKE(r, line_of(retry, "give_up", c->line), "channels", c->name, ".retry.give_up",
                "this is before the second attempt; write more than first says");
}

static void complete_channel(struct rules *r, struct config_channel *c)
{
    const struct node *node = member(member(r->root, "channels"), c->name);
    require_keys(r, c, node);
    check_retry(r, c, node);
    if (!c->account && !member(node, "account"))
        take_only_account(r, c);
    if (!c->account)
        return;
    check_twins(r, c);
    if (c->kind == CHANNEL_CUSTOM)
        complete_custom(r, c, node);
    else
        complete_application(r, c, node);
}

void config_complete(struct config *c, const struct node *root, struct config_mistakes *mistakes)
{
    struct rules r = {c, root, mistakes};
    check_listeners(&r);
    for (size_t i = 0; i < c->account_n; i++)
        check_account(&r, &c->account[i]);
    for (size_t i = 0; i < c->channel_n; i++)
        complete_channel(&r, &c->channel[i]);
}
