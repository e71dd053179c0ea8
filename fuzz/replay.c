/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - run a fuzz target over its corpus directory, without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *dir, const char *name)
{
        char path[4096];
        uint8_t *data = NULL;
        long n;
        FILE *f;

        snprintf(path, sizeof path, "%s/%s", dir, name);
        f = fopen(path, "rb");
        if (!f || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0) {
                perror(path);
                exit(1);
        }
        rewind(f);
        data = malloc((size_t)n ? (size_t)n : 1); /* exact size, so ASan sees an over-read */
        if (!data || fread(data, 1, (size_t)n, f) != (size_t)n) {
                perror(path);
                exit(1);
        }
        fclose(f);
        LLVMFuzzerTestOneInput(data, (size_t)n);
        free(data);
        return 1;
}

int main(int argc, char **argv)
{
        int n = 0;
        struct dirent *e;
        DIR *d;

        d = argc == 2 ? opendir(argv[1]) : NULL;
        if (!d) {
                fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
                return 2;
        }
        while ((e = readdir(d)))
                if (e->d_name[0] != '.')
                        n += replay_file(argv[1], e->d_name);
        closedir(d);
        printf("%d inputs\n", n);
        return n > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
