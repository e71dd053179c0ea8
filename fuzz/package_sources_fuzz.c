/* SPDX-License-Identifier: Apache-2.0 */
/* Sources give a package that can be opened, or faults. */
#include "fuzz.h"
#include "job/yaml_source.h"
#include "package/build.h"
#include "package/package.h"
#include "wire/package_input.h"
FUZZ_ALLOW_LOSSES_OF("libfyaml")
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct package_source s[PACKAGE_SOURCES_MAX];
        struct build_spec spec = { .sources = s, .yaml = yaml_source };
        CLEANUP(package_unrefp) struct package *p = NULL;
        CLEANUP(lint_done) struct lint l;
        CLEANUP(buf_done) struct buf b = BUF_INIT(PACKAGE_FILE_MAX);
        struct span rest = span_of(data, size);

        lint_init(&l);
        for (uint32_t *n = &spec.n_sources; *n < ARRAY_LEN(s); ++*n)
                if (package_input_next(&rest, &s[*n].path, &s[*n].text, NULL) <= 0)
                        break;
        if (build_package(&spec, &l, &b, NULL) == 0)
                assert(l.errors == 0 && package_open_bytes(buf_span(&b), NULL, 0, &p, NULL) == 0);
        return 0;
}
