/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_timestamp.h - an authority made for this, with openssl(1): its key is gone.  Replies are
 * judged at their own time. */
#ifndef FUZZ_FUZZ_TIMESTAMP_H
#define FUZZ_FUZZ_TIMESTAMP_H

#include "fuzz.h"

/* Its certificate. */
static const char fuzz_authority[] =
        "-----BEGIN CERTIFICATE-----\n"
        "MIIBYDCCAQagAwIBAgIUesqSBY/3HpgEpWiZz86Dgg+nwu4wCgYIKoZIzj0EAwIw\n"
        "DTELMAkGA1UEAwwCY2EwIBcNMjYxMTI3MDUyMDE0WhgPMjEyNjExMDMwNTIwMTRa\n"
        "MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESR3LAsMz\n"
        "Ffgb9KLUnjiw4FykE4SiaLkj2q0DSzN0cwKqQwRkozjMxBatzy0uf+8I+ZPIJWRY\n"
        "FdBYUanLu4DIFaNCMEAwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAgQw\n"
        "HQYDVR0OBBYEFIdUgBcixMPMWitxlO9mHngtvIqAMAoGCCqGSM49BAMCA0gAMEUC\n"
        "IB7ztRtJhrnJII+Md4ad+jP0MsIM9Y8EoyEbmCkee5OOAiEAg7AVa8hgFRm23Xvy\n"
        "Zw2HqptoccQr/yMkXiX3RZ+pfXc=\n"
        "-----END CERTIFICATE-----\n";

#endif
