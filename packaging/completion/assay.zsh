#compdef assay
# SPDX-License-Identifier: Apache-2.0
# Completion for assay, from what the program says of itself.

_assay_words() {
        assay help --words "$@" 2>/dev/null
}

_assay() {
        local word
        local -a command found

        for word in "${(@)words[2,CURRENT-1]}"; do
                [[ $word == -* ]] && break
                [[ $word == help && $#command -eq 0 ]] && continue
                found=(${(f)"$(_assay_words $command)"})
                [[ -n ${(M)found:#${(b)word}$'\t'*} ]] || break
                command+=($word)
        done
        found=(${(f)"$(_assay_words $command)"})
        if [[ $words[CURRENT] == -* ]]; then
                found=(${(M)found:#-*})
        else
                found=(${found:#-*})
        fi
        if (( $#found )); then
                found=("${(@)${(@)found//:/\\:}/$'\t'/:}")
                _describe -t words 'assay' found
        else
                _files
        fi
}

_assay "$@"
