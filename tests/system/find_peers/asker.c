/* SPDX-License-Identifier: Apache-2.0 */
/* asker - which kind is each text?  A line in, a line out: "card", "national_id weak", "none". */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/masking/find.h"

int main(void)
{
        char *line = NULL;
        size_t cap = 0;
        ssize_t n;

        while ((n = getline(&line, &cap, stdin)) > 0) {
                bool weak;
                enum find_kind k = find_personal(span_of(line, (size_t)n - 1), &weak);

                printf("%s%s\n", find_kind_name(k), weak ? " weak" : "");
        }
        free(line);
        return 0;
}
