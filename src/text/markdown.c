/* Chat users mean the line breaks they type, so they are hard breaks here. */
#include "text/markdown.h"
#include "base/err.h"
#include <cmark.h>
#include <stdlib.h>

void markdown_to_html(struct span markdown, struct buf *out)
{
    char *html = cmark_markdown_to_html(markdown.p ? markdown.p : "", markdown.n,
                                        CMARK_OPT_SAFE | CMARK_OPT_HARDBREAKS | CMARK_OPT_VALIDATE_UTF8);

    must(html != NULL);
    buf_add_str(out, html);
    free(html);
}
