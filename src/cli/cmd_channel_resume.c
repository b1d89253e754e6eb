/* front-bridge channel resume: an operator says that a channel which Front has deleted goes on. */
#include "base/json.h"
#include "cli/command.h"
#include "cli/ops_call.h"
#include "cli/text.h"

static int present(const struct ops_answer *a, const char *name)
{
    struct json doc = {0};
    struct buf out, sentence, safe;
    int code = EXIT_FAILED;

    buf_init(&out, 4096);
    buf_init(&sentence, 4096);
    buf_init(&safe, 8192);
    if (a->status == 200) {
        buf_addf(&out, "%s goes on; what was held when Front deleted it is released.\n", name);
        code = command_print(&out);
    } else {
        bool is_json = json_parse(&doc, buf_span(&a->json)) == OK;
        struct jval why = is_json ? json_get(json_root(&doc), "error") : (struct jval){0};
        text_add_safe(&safe, json_span(why, &sentence));
        command_fail(code, "%s", safe.n ? safe.p : "the answer could not be read");
        buf_fini(&out);
    }
    json_fini(&doc);
    buf_fini(&sentence);
    buf_fini(&safe);
    return code;
}

static int run(const struct options *o)
{
    struct config *c = command_config(o);
    struct ops_answer a;
    struct buf target;
    int code;

    if (!c)
        return EXIT_USAGE;
    if (!config_channel_find(c, span_of(o->argument[0]))) {
        code = command_no_channel(c, o->argument[0]);
        config_free(c);
        return code;
    }
    ops_answer_init(&a);
    buf_init(&target, 4096);
    buf_addf(&target, "/api/v1/channels/%s/resume", o->argument[0]);
    code = ops_call(c, "POST", target.p, &a);
    if (code == EXIT_FINE)
        code = present(&a, o->argument[0]);
    buf_fini(&target);
    ops_answer_fini(&a);
    config_free(c);
    return code;
}

const struct command command_channel_resume = {
    .name = "channel resume",
    .arguments = "NAME",
    .summary = "open a channel again that Front has deleted",
    .help =
        "When Front deletes an application channel, its callbacks are refused and its messages are held.\n"
        "Connecting it again in Front opens it; this command does the same, for a deletion that was a\n"
        "mistake. It works whether the bridge runs or not.\n",
    .argument_least = 1,
    .argument_most = 1,
    .run = run,
};
