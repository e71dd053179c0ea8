/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watching/handle_form.h"

static uint64_t number_at(const struct fs_handle *h, uint32_t at, uint32_t width)
{
        uint64_t eight;
        uint32_t four;

        if (width == sizeof four) {
                memcpy(&four, h->bytes + at, sizeof four);
                return four;
        }
        memcpy(&eight, h->bytes + at, sizeof eight);
        return eight;
}

static bool agrees(const struct handle_form *f, const struct fs_handle *h, uint64_t dev,
                   uint64_t ino)
{
        return f->agreed && f->type == h->type && f->n == h->n && f->dev == dev &&
               number_at(h, f->at, f->width) == ino;
}

void handle_form_learn(struct handle_form *f, const struct fs_handle *h, uint64_t dev, uint64_t ino)
{
        static const uint32_t widths[] = { sizeof(uint64_t), sizeof(uint32_t) };

        if (agrees(f, h, dev, ino)) {
                f->agreed += ino != f->ino && f->agreed < HANDLE_FORM_SURE;
                f->ino = ino;
                return;
        }
        *f = (struct handle_form){ .type = h->type, .n = h->n, .dev = dev, .ino = ino };
        for (size_t i = 0; i < ARRAY_LEN(widths); i++)
                for (uint32_t at = 0; at + widths[i] <= h->n; at += sizeof(uint32_t))
                        if (number_at(h, at, widths[i]) == ino) {
                                f->at = at;
                                f->width = widths[i];
                                f->agreed = 1;
                                return;
                        }
}

bool handle_form_inode(const struct handle_form *f, const struct fs_handle *h, uint64_t *ret_dev,
                       uint64_t *ret_ino)
{
        if (f->agreed < HANDLE_FORM_SURE || f->type != h->type || f->n != h->n)
                return false;
        *ret_dev = f->dev;
        *ret_ino = number_at(h, f->at, f->width);
        return true;
}
