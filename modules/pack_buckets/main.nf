// Plans which shards go into which bucket. Rows that the database already has are skipped.
process PACK_BUCKETS {
    label 'write'
    containerOptions { DatabaseUri.mount(database) }

    input:
    path files, stageAs: 'descriptions/?/*' // descriptions and folders of descriptions; the shards are not staged
    val order // list of [position in files, name in the folder or '', source] by shard
    val values // list of JSON objects by shard: columns that have one value in all its rows; empty for none
    val database
    val options // map: bucket_size, check_ids, replace, keep
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    path 'plan.json', emit: plan
    path 'pack-buckets.json', emit: report

    script:
    def staged = files instanceof List ? files : [files]
    def descriptions = order.collect { position, name, _source -> name ? "${staged[position]}/${name}" : staged[position] }
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('descriptions.list', descriptions)}
    ${Shell.list('names.list', order.collect { _position, _name, source -> source })}
    ${values ? Shell.list('values.list', values) : ''}
    lanceflow pack-buckets --input-list descriptions.list --name-list names.list ${values ? '--values-list values.list' : ''} \\
        --database ${Shell.quote(database)} ${Shell.options(options)} \\
        --output plan.json --json > pack-buckets.json
    """

    stub:
    // One bucket, of the first shard.
    def rows = options.bucket_size
    def bucket = [bucket: 'bucket_00001', rows: rows, sources: [[shard: 0, rows: rows, vectorType: 'float32']]]
    def plan = groovy.json.JsonOutput.toJson([version: 1, dimension: 960, buckets: [bucket]])
    """
    echo '${plan}' > plan.json
    touch pack-buckets.json
    """
}
