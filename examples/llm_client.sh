#!/bin/sh
# The command-line tool llm against the server, under the server's own dose.
#
#     drugs serve -np 4 -c 4096 --dose A=0.3      # in another terminal
#     sh examples/llm_client.sh
#
# llm sends only the fields it knows, so it cannot send doses. But the server's --dose applies to every request without
# doses, and llm's option seed is the seed of the noise.
# (Without a server: llm -m drugs-smollm2 -o dose A=0.3, see README.md here.)
set -eu

base_url=http://127.0.0.1:8080/v1
if [ "${1:-}" = --base-url ]; then
    base_url=$2
fi

# To keep them, put the three lines into extra-openai-models.yaml in the folder of `llm logs path`.
LLM_USER_PATH=$(mktemp -d)
trap 'rm -r "$LLM_USER_PATH"' EXIT
export LLM_USER_PATH
export LLM_LOAD_PLUGINS=   # none is needed
cat > "$LLM_USER_PATH/extra-openai-models.yaml" <<YAML
- model_id: dosed
  model_name: any   # the server has one
  api_base: $base_url
YAML

ask() {
    echo "seed $1:"
    llm -m dosed -o seed "$1" -o max_tokens 60 "Write one sentence that begins a story about a lighthouse." < /dev/null
}

ask 1
ask 2
echo "And again,"
ask 1
