/*
 * YAML text as a small tree of nodes with lines: no types but text, list and map, no shared or cyclic parts.
 *
 * Invariant: the tree has at most NODE_COUNT_MAX nodes, NODE_BYTES_MAX of text and NODE_DEPTH_MAX levels,
 * whatever anchors and aliases say.
 * `${` is left as it is in the text of a node, also where YAML itself would take the brace for a map.
 */
#ifndef BASE_CONFIG_YAML_H
#define BASE_CONFIG_YAML_H

#include "base/config.h"

enum { NODE_COUNT_MAX = 20000, NODE_BYTES_MAX = 4 << 20, NODE_DEPTH_MAX = 16, NODE_ANCHORS_MAX = 64 };

enum node_kind { NODE_EMPTY, NODE_TEXT, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    unsigned line;
    char *name;            /* its key, in a map */
    unsigned repeats_line; /* where the same key stands already in this map; 0: nowhere */
    char *text;            /* NODE_TEXT; no NUL inside */
    struct node *child;
    size_t child_n;
};

/* node_read gives the root of the one document in text. On error the mistakes say why. */
MUST_CHECK enum err node_read(struct span text, struct node **out, struct config_mistakes *mistakes);
void node_free(struct node *root); /* wipes its text: there may be secrets in it */

#endif
