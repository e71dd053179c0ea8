/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h - what monitoring and load balancers ask.  Floor 4, in nginx.
 *
 *   assay_metrics       what is counted, as OpenMetrics (gateway/shared/meters_text.h)
 *   assay_health        200: calls can be served and recorded by the worker that answers; else 503
 *                       and what is missing, in words that say nothing of this host
 *   assay_health live   200: the worker answers
 *
 * None of it is a call: it is in no count and in no entry.  GET and HEAD. */
#ifndef NGINX_METRICS_H
#define NGINX_METRICS_H

#include "nginx/settings.h"

/* Content handlers. */
ngx_int_t metrics_handler(ngx_http_request_t *r);
ngx_int_t metrics_health_handler(ngx_http_request_t *r);

#endif
