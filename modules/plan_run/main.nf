// Plans the run before its other tasks: hours, bytes and dollars of each stage. It reads sizes and samples of the inputs, which are not
// staged: copying them would cost more than the plan may.
process PLAN_RUN {
    containerOptions { DatabaseUri.mountExisting(database) }

    input:
    val inputs // JSON: path, kind and bytes of each file of the build
    val queries // the same of the queries
    path model, stageAs: 'model/*' // the files of a model folder; none for kmer
    path prices, stageAs: 'prices/*' // table of machine types and prices; none for the built-in one
    path outcomes, stageAs: 'outcomes/?/*' // outcome.json of earlier runs
    val entries // list of [bucket, fingerprint] of the database before the run
    val database
    val options // map: the command's other options by name
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    path 'run_plan.json', emit: plan
    path 'run_plan.txt', emit: table

    script:
    def priced = prices ? "--prices ${prices}" : ''
    def known = outcomes ? "--outcome ${outcomes}" : ''
    """
    export LANCEFLOW_WORKER=${worker}
    printf '%s' ${Shell.quote(inputs)} > inputs.json
    printf '%s' ${Shell.quote(queries)} > queries.json
    lanceflow plan --input-files inputs.json --query-files queries.json \\
        --database ${Shell.quote(database)} ${Shell.options(options)} ${priced} ${known} \\
        --output run_plan.json > run_plan.txt
    """

    stub:
    """
    touch run_plan.json run_plan.txt
    """
}
