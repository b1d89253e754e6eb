/* A document read and written at once. */
#include "text/html.h"
#include "text/write.h"

static void convert(struct span in, void read(struct doc *, struct span), enum text_form form,
                    struct buf *out)
{
    struct doc d;

    doc_init(&d, in.n);
    read(&d, in);
    doc_write(&d, form, DOC_AT_START, DOC_AT_END, out);
    doc_fini(&d);
}

void html_to_text(struct span html, struct buf *out)
{
    convert(html, doc_read_html, TEXT_PLAIN, out);
}

void html_to_markdown(struct span html, struct buf *out)
{
    convert(html, doc_read_html, TEXT_MARKDOWN, out);
}

void html_sanitise(struct span html, struct buf *out)
{
    convert(html, doc_read_html, TEXT_HTML, out);
}

void html_from_text(struct span text, struct buf *out)
{
    convert(text, doc_read_text, TEXT_HTML, out);
}
