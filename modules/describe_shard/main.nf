// Reads a batch of shards once: row counts, content hashes and ids, which is all that PACK_BUCKETS needs.
process DESCRIBE_SHARD {
    tag "${sources[0].tokenize('/').last()}${sources.size() > 1 ? " and ${sources.size() - 1} more" : ''}"

    input:
    tuple val(sources), path(shards, stageAs: 'input/?/*') // one batch: see lib/ShardBatches.groovy
    val options // map: keep
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    tuple val(sources), path('descriptions'), emit: description // a folder: <number in the batch, from 1>.description
    path 'describe-shard.json', emit: report

    script:
    def files = ShardBatches.descriptions(sources).collect { name -> "descriptions/${name}" }
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('input.list', shards)}
    ${Shell.list('name.list', sources)}
    ${Shell.list('output.list', files)}
    lanceflow describe-shard --input-list input.list --name-list name.list --output-list output.list \\
        ${Shell.options(options)} --json > describe-shard.json
    """

    stub:
    """
    mkdir descriptions
    touch describe-shard.json
    """
}
