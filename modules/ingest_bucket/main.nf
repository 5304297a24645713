// Writes the vectors of one bucket into a LanceDB table. The table stays in the database; the pipeline passes only its address.
process INGEST_BUCKET {
    tag "${bucket}"
    label 'ingest'
    disk { Resources.ingest(size, layout, database) }
    containerOptions { DatabaseUri.mount(database, DatabaseUri.nvme(database)) }

    input:
    tuple val(bucket), val(size), path(plan), path(shards, stageAs: 'shards/?/*') // shards in the order of the bucket's sources in the plan
    val database
    val layout // map: metric, vector_type, order
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    tuple val(bucket), val(size), path("${bucket}.ingest.json"), emit: manifest
    path "${bucket}.ingest-bucket.json", emit: report

    script:
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('shards.list', shards)}
    lanceflow ingest-bucket --plan ${plan} --bucket ${bucket} --shards-list shards.list \\
        --database ${Shell.quote(database)} ${Shell.options(layout)} --threads ${task.cpus} \\
        --output ${bucket}.ingest.json --json > ${bucket}.ingest-bucket.json
    """

    stub:
    """
    touch ${bucket}.ingest.json ${bucket}.ingest-bucket.json
    """
}
