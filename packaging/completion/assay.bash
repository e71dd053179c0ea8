# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion for assay, from what `assay help` says, so that it never differs from the program.

# Words of one section ("Commands", "Options") of the help of the given command.
_assay_words() {
        local section=$1
        shift
        assay help "$@" 2>/dev/null | awk -v section="$section" '
                /^[A-Z]/ { inside = $0 == section; next }
                inside && section == "Commands" && /^  [a-z]/ { print $1 }
                inside && section == "Options" { for (i = 1; i <= NF; i++) {
                        word = $i; sub(/,$/, "", word)
                        if (word !~ /^--?[a-z0-9]/) break
                        print word } }'
}

_assay() {
        local current=${COMP_WORDS[COMP_CWORD]} word
        local -a command=()
        local sub

        for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
                [[ $word == -* ]] && break
                sub=$(_assay_words Commands "${command[@]}")
                [[ $'\n'$sub$'\n' == *$'\n'"$word"$'\n'* ]] || break
                if [[ $word == help ]]; then
                        continue
                fi
                command+=("$word")
        done
        if [[ $current == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$(_assay_words Options "${command[@]}")" -- "$current")
                return
        fi
        mapfile -t COMPREPLY < <(compgen -W "$(_assay_words Commands "${command[@]}")" -- "$current")
        # No command fits: the default, files.
}

complete -o default -F _assay assay
