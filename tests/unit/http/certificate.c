#include "certificate.h"
#include "base/err.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add_extension(X509 *cert, int id, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, id, value);
    must(e && X509_add_ext(cert, e, -1));
    X509_EXTENSION_free(e);
}

static X509 *sign(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    must(cert && X509_set_version(cert, 2));
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    add_extension(cert, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    add_extension(cert, NID_basic_constraints, "CA:TRUE");
    must(X509_sign(cert, key, EVP_sha256()));
    return cert;
}

void certificate_make(struct certificate *c)
{
    strcpy(c->dir, "/tmp/fb-cert-XXXXXX");
    must(mkdtemp(c->dir));
    (void)snprintf(c->cert, sizeof c->cert, "%s/cert.pem", c->dir);
    (void)snprintf(c->key, sizeof c->key, "%s/key.pem", c->dir);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = sign(key);
    FILE *f = fopen(c->cert, "w");
    must(f && PEM_write_X509(f, cert) && fclose(f) == 0);
    f = fopen(c->key, "w");
    must(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) && fclose(f) == 0);
    X509_free(cert);
    EVP_PKEY_free(key);
}

void certificate_remove(const struct certificate *c)
{
    (void)unlink(c->cert);
    (void)unlink(c->key);
    (void)rmdir(c->dir);
}
