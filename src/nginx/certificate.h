/* SPDX-License-Identifier: Apache-2.0 */
/* certificate.h - the certificate of a caller, and whether it counts.  Floor 4, in nginx.
 *
 * It counts when the authorities of ssl_client_certificate vouch for it and no others are trusted
 * (ssl_trusted_certificate), those of the server that the handshake was with, which a Host header
 * does not change.
 *
 * With a session that is gone on with no certificate is shown: it is the session's, which may be
 * from before a reload, or of a server of the same address with other authorities (with TLS 1.3 a
 * session is taken before it is known which server is meant).  So such a one is verified once more
 * by what the server has now: authorities, revoked ones, the time.  The session does not have what
 * stood between it and an authority: that must be in ssl_client_certificate as well, or the
 * certificate does not count.
 *
 * SECURITY: hostile bytes, of whom an authority let have them. */
#ifndef NGINX_CERTIFICATE_H
#define NGINX_CERTIFICATE_H

#include "nginx/settings.h"

#include "gateway/request/request.h"

/* Sets client_ca and the names if there is one that counts: in the request's pool. */
void certificate_take(ngx_http_request_t *r, struct request_raw *ret);

#endif
