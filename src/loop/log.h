/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one line per event for operators, on standard error.  Floor 2 has the writer; only floors
 * 3 and 4 call it.  Evidence goes to the ledger, not here.
 *
 *   recorder.peer proc=sensor uid=0 path="/tmp/a b"
 *
 * Event ids are stable and documented.  Values are escaped here and nowhere else: whatever a user
 * called a file, a line stays one line and a field cannot be forged. */
#ifndef LOOP_LOG_H
#define LOOP_LOG_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

enum log_level { /* of syslog(3) */
                 LOG_LEVEL_ERROR = 3,
                 LOG_LEVEL_WARNING = 4,
                 LOG_LEVEL_INFO = 6,
                 LOG_LEVEL_DEBUG = 7,
};

struct log_field {
        const char *key; /* NULL is left out */
        enum { LOG_TEXT, LOG_INT, LOG_U64 } type;
        struct span text;
        int64_t i;
        uint64_t u;
};

static inline struct log_field log_str(const char *key, const char *s)
{
        return (struct log_field){ .key = key, .type = LOG_TEXT, .text = span_str(s) };
}

static inline struct log_field log_bytes(const char *key, struct span s)
{
        return (struct log_field){ .key = key, .type = LOG_TEXT, .text = s };
}

static inline struct log_field log_int(const char *key, int64_t i)
{
        return (struct log_field){ .key = key, .type = LOG_INT, .i = i };
}

static inline struct log_field log_u64(const char *key, uint64_t u)
{
        return (struct log_field){ .key = key, .type = LOG_U64, .u = u };
}

static inline struct log_field log_err(const struct err *err)
{
        return log_str("error", err_text(err));
}

/* log_event(LOG_LEVEL_INFO, "recorder.peer", log_str("proc", p), log_int("uid", uid)); */
#define log_event(level, event, ...)                                                               \
        log_write(level, event, (const struct log_field[]){ { .key = NULL }, ##__VA_ARGS__ },      \
                  ARRAY_LEN(((const struct log_field[]){ { .key = NULL }, ##__VA_ARGS__ })))

/* Less important events are dropped from now on; LOG_LEVEL_INFO at first.  Also sees whether
 * standard error is the journal, which wants "<6>" before a line instead of a level's name. */
void log_init(enum log_level least);

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);

/* The line alone, without level and newline. */
void log_format(struct buf *b, const char *event, const struct log_field *fields, size_t n);

#endif
