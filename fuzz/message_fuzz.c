/* SPDX-License-Identifier: Apache-2.0 */
/* An entry of anybody's: one line of UTF-8 without controls, in every format. */
#include "fleet/format.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf out = BUF_INIT(MESSAGE_JSON_MAX), line = BUF_INIT(FORMAT_SYSLOG_MAX);
        struct message *m = NULL;

        if (size > ENTRY_MAX ||
            message_new("o", 1, span_of(data, size), &m, &(struct err){ 0 }) < 0)
                return 0;
        fuzz_check_text(span_str(m->text));
        message_put_json(m, "x", &out);
        assert(buf_status(&out) == 0 && json_check(buf_span(&out), NULL) == 0);
        format_syslog(m, 10, &line);
        assert(buf_status(&line) == 0 && !memchr(line.p, '\n', line.n));
        buf_clear(&out);
        format_journal(m, "x", &out);
        format_mail_item(m, &out);
        return message_free(m), buf_done(&out), buf_done(&line), 0;
}
