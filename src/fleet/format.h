/* SPDX-License-Identifier: Apache-2.0 */
/* format.h - a message as others' formats want it.  Floor 3, pure. */
#ifndef FLEET_FORMAT_H
#define FLEET_FORMAT_H

#include "fleet/message.h"

#include <time.h>

enum {
        FORMAT_SYSLOG_MAX = 8192, /* of one message; the line in it is MESSAGE_TEXT_MAX at most */
};

/* RFC 5424, without framing: header ("-" for a time that the entry does not have), [assay@32473
 * index=... origin=... severity=... id=... alert=...] and the line.  facility 0 to 23. */
void format_syslog(const struct message *m, unsigned facility, struct buf *out);

/* The form that daemons expect at a local socket (what syslog(3) sends; RFC 3164, 4.1, without the
 * host): "<83>Jan  2 03:04:05 assay: alert.raised index=12 origin=... severity=high alert=1-7:
 * ...". local: the entry's time where the daemon is. */
void format_syslog_local(const struct message *m, unsigned facility, const struct tm *local,
                         struct buf *out);

/* NAME=value lines as systemd's journal takes them: MESSAGE, PRIORITY, MESSAGE_ID,
 * SYSLOG_IDENTIFIER, and ASSAY_ENTRY, _HOST, _INDEX, _KIND, _ORIGIN, _SEVERITY, _SINK. */
void format_journal(const struct message *m, const char *sink, struct buf *out);

/* One line of a mail: time, how bad, index and text. */
void format_mail_item(const struct message *m, struct buf *out);
/* Quoted-printable (RFC 2045, 6.7): lines end with CR LF in and out; none is longer than 76. */
void format_put_quoted(struct span text, struct buf *out);
/* "Thu, 26 Nov 2026 04:05:06 +0000" */
void format_put_date(int64_t wall_ns, struct buf *out);
/* "[assay web1] high: /etc/passwd modified", or "[assay web1] 17 messages, critical"; ASCII of at
 * most some 120 bytes. */
void format_mail_subject(struct message *const *m, size_t n, const char *host, struct buf *out);

#endif
