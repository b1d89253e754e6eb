/* A self-signed certificate for localhost and 127.0.0.1, made for one test run. */
#ifndef TEST_CERTIFICATE_H
#define TEST_CERTIFICATE_H

struct certificate {
    char dir[64], cert[96], key[96];
};

void certificate_make(struct certificate *c);
void certificate_remove(const struct certificate *c);

#endif
