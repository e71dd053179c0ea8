# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion for assay, from what the program says of itself.

_assay_words() {
        assay help --words "$@" 2>/dev/null | cut -f1
}

_assay() {
        local current=${COMP_WORDS[COMP_CWORD]} word
        local -a command=()

        for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
                [[ $word == -* ]] && break
                [[ $word == help && ${#command[@]} -eq 0 ]] && continue
                _assay_words "${command[@]}" | grep -qxF -e "$word" || break
                command+=("$word")
        done
        # An option only where one has begun; nothing fits: the default, files.
        mapfile -t COMPREPLY < <(compgen -W "$(_assay_words "${command[@]}")" -- "$current" |
                                 if [[ $current ]]; then cat; else grep -v ^-; fi)
}

complete -o default -F _assay assay
