/*
 * From the tree of YAML to struct config, in two steps: keys one by one, then the rules between keys.
 * Both go on after a mistake, so that all are reported.
 */
#ifndef BASE_CONFIG_READ_H
#define BASE_CONFIG_READ_H

#include "base/config_yaml.h"

/* config_read fills c, which holds the defaults, from root. root's members may change places. */
void config_read(struct config *c, struct node *root, struct config_mistakes *mistakes);
/* config_complete checks what several keys say together, and fills in what one key takes from another. */
void config_complete(struct config *c, const struct node *root, struct config_mistakes *mistakes);
/* config_defaults sets every default of base, the struct of scope. */
void config_defaults(void *base, int scope);
void config_secrets_add(struct config_secrets *s, const char *text);

#endif
