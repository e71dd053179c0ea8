/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/package_input.h"

#include "base/le.h"

static const struct span magic = SPAN_INIT("assay sources 1\n");

enum { PATH_BYTES = 2, TEXT_BYTES = 4, HEAD = PATH_BYTES + TEXT_BYTES };

void package_input_begin(struct buf *out)
{
        buf_put(out, magic);
}

void package_input_put(struct buf *out, struct span path, struct span text)
{
        uint8_t head[HEAD];

        assert(path.n <= UINT16_MAX);
        if (text.n > UINT32_MAX) {
                out->status = out->status < 0 ? out->status : -E2BIG;
                return;
        }
        le_put(head, path.n, PATH_BYTES);
        le_put(head + PATH_BYTES, text.n, TEXT_BYTES);
        buf_put(out, span_of(head, sizeof head));
        buf_put(out, path);
        buf_put(out, text);
}

int package_input_open(struct span bytes, struct span *ret_rest, struct err *err)
{
        if (!span_starts(bytes, magic))
                return err_set(err, -EBADMSG, "these are no sources of a package");
        *ret_rest = span_from(bytes, magic.n);
        return 0;
}

int package_input_next(struct span *rest, struct span *ret_path, struct span *ret_text,
                       struct err *err)
{
        size_t path, text;

        if (rest->n == 0)
                return 0;
        if (rest->n < HEAD)
                return err_set(err, -EBADMSG, "sources: cut off");
        path = le_get(rest->p, PATH_BYTES);
        text = le_get(rest->p + PATH_BYTES, TEXT_BYTES);
        if (rest->n - HEAD < path || rest->n - HEAD - path < text)
                return err_set(err, -EBADMSG, "sources: cut off");
        *ret_path = span_of(rest->p + HEAD, path);
        *ret_text = span_of(rest->p + HEAD + path, text);
        *rest = span_from(*rest, HEAD + path + text);
        return 1;
}
