# SPDX-License-Identifier: Apache-2.0
# Completion for assay, from what the program says of itself.

function __assay_words
    set -l command
    for word in (commandline -opc)[2..]
        string match -q -- '-*' $word; and break
        test "$word" = help -a (count $command) -eq 0; and continue
        contains -- $word (assay help --words $command 2>/dev/null | string split -f1 \t); or break
        set -a command $word
    end
    if string match -q -- '-*' (commandline -ct)
        assay help --words $command 2>/dev/null | string match -r -- '^-.*'
    else
        assay help --words $command 2>/dev/null | string match -r -- '^[^-].*'
    end
end

# Files only where no command fits.
complete -c assay -n 'test (count (__assay_words)) -gt 0' -f
complete -c assay -a '(__assay_words)'
