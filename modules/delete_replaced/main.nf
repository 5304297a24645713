// Deletes the rows of earlier versions of changed files, once all buckets of the plan are in the database.
process DELETE_REPLACED {
    label 'write'
    containerOptions { DatabaseUri.mount(database) }

    input:
    path plan // bucket plan of PACK_BUCKETS with --replace
    val fingerprints // of the plan's buckets: all are in the database
    path files, stageAs: 'descriptions/?/*' // descriptions and folders of descriptions
    val order // list of [position in files, name in the folder or '', source] by shard
    val database
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    path 'delete-replaced.json', emit: report

    script:
    def staged = files instanceof List ? files : [files]
    def descriptions = order.collect { position, name, _source -> name ? "${staged[position]}/${name}" : staged[position] }
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('descriptions.list', descriptions)}
    lanceflow delete-replaced --plan ${plan} --input-list descriptions.list --database ${Shell.quote(database)} \\
        --json > delete-replaced.json
    """

    stub:
    """
    touch delete-replaced.json
    """
}
