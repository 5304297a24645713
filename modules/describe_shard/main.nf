// What PACK_BUCKETS needs to know of a shard: it is read once, beside all others.
process DESCRIBE_SHARD {
    tag "${source.tokenize('/').last()}"

    input:
    tuple val(source), path(shard, stageAs: 'input/*')
    val worker // hash of its sources: a changed worker runs this stage again

    output:
    tuple val(source), path('*.description'), emit: description
    path '*.describe-shard.json', emit: report

    script:
    def name = Shell.safeName(source.tokenize('/').last())
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow describe-shard --input ${shard} --name ${Shell.quote(source)} --output ${name}.description --json > ${name}.describe-shard.json
    """

    stub:
    def name = Shell.safeName(source.tokenize('/').last())
    """
    touch ${name}.description ${name}.describe-shard.json
    """
}
