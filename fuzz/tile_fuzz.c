/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char path[TILE_PATH_MAX], dir[TILE_PATH_MAX];
        struct tile t;

        if (tile_parse(span_of(data, size), &t) == 0) {
                tile_path(t, path);
                tile_dir(t, dir);
                assert(span_eq_str(span_of(data, size), path));
                assert(strncmp(path, dir, strlen(dir)) == 0 && path[strlen(dir)] == '/');
        }
        return 0;
}
