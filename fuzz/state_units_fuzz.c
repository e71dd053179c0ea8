/* SPDX-License-Identifier: Apache-2.0 */
/* Unit files: a service, a drop-in of it, a timer and a link, with a NUL between. */
#include "state/fields.h"
#include "state/tables.h"
#include "state/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int ignore(void *ctx, struct span fact)
{
        (void)ctx;
        return fact.n ? 0 : -EINVAL;
}

static void read_as(const struct state_table *t, struct span bundle)
{
        struct state_out out;
        struct state_in in;

        assert(bundle_open(bundle, &in, NULL) == 0);
        state_out_init(&out, t, ignore, NULL);
        assert(t->read(&in, &out, NULL) == 0);
        state_out_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const names[] = { "a@.service", "a@.service.d/x.conf", "a@.timer",
                                             "x.wants/a@b.service" };
        struct span rest = span_of(data, size), bytes;
        struct buf bundle = BUF_INIT(1 << 20);

        bundle_begin(&bundle);
        for (size_t i = 0; i < ARRAY_LEN(names) && field_cut(&rest, 0, &bytes); i++) {
                char path[64] = "/etc/systemd/system/";

                memcpy(path + strlen(path), names[i], strlen(names[i]) + 1);
                bundle_put(&bundle, &(struct state_part){ .name = span_str(path),
                                                          .mode = i == 3 ? 0120777 : 0100644,
                                                          .bytes = bytes });
        }
        read_as(&state_services, buf_span(&bundle));
        read_as(&state_timers, buf_span(&bundle));
        read_as(&state_user_units, buf_span(&bundle));
        buf_done(&bundle);
        return 0;
}
