// Runs the pipeline's checks (lib/) on a list of cases, for tests of test/pipeline/. Writes the result or the error of each to
// --answers, in the order of the cases.

workflow {
    home = file(params.home)
    cases = new groovy.json.JsonSlurper().parse(file(params.cases).toFile())
    answers = cases.collect { item -> answer(item, home) }
    file(params.answers).text = groovy.json.JsonOutput.toJson(answers)
}

def answer(item, home) {
    try {
        return [value: call(item, home)]
    }
    catch (Exception problem) {
        return [error: problem.message]
    }
}

def call(item, home) {
    if (item.check == 'parameters') {
        return Parameters.check(item.params, home)
    }
    if (item.check == 'request') {
        return Request.check(item.params, home, workflow.workDir, false).database
    }
    if (item.check == 'kinds') {
        return item.names.collect { name -> InputFiles.kindOf(file(name)) }
    }
    if (item.check == 'setup') {
        return Setup.problemWith(file(item.home))
    }
    if (item.check == 'inputs') {
        return InputFiles.resolve(item.path, 'input').collect { found -> [found.source, found.kind] }
    }
    if (item.check == 'ids') {
        return InputFiles.idList(item.path).toUriString()
    }
    if (item.check == 'large') {
        return InputFiles.resolve(item.path, 'input').collect { found -> SequenceParts.isLarge(found, item.residues) }
    }
    if (item.check == 'failure') {
        def files = item.files.collect { found -> found + [path: file(found.path)] }
        return [Failure.message(item.workflow, files), Failure.logCommand(item.workflow)]
    }
    if (item.check == 'start') {
        return item.lines.collect { words -> CommandLine.startOf(words) }
    }
    if (item.check == 'plan') {
        return Plan.buckets(file(item.path), [file('one.h5'), file('two.h5')]).collect { found -> [found[0], found[1], found[3]*.name] }
    }
    if (item.check == 'budget') {
        return RunPlan.problemWith(item.plan, item.budget)
    }
    if (item.check == 'unplanned') {
        return RunPlan.unplanned(item.request)
    }
    if (item.check == 'earlier') {
        return RunPlan.withEarlier(item.outcome, item.before)
    }
    if (item.check == 'disk') {
        def needed = Resources.ingest(item.size, item.layout, item.database, true)
        return [needed?.toBytes(), Resources.problemWith('bucket_00001', needed, item.disk)]
    }
    if (item.check == 'batches') {
        return ShardBatches.of(item.files.collect { source, bytes -> [source: source, bytes: bytes] }).collect { found -> found[0] }
    }
    if (item.check == 'embedder') {
        return EmbeddingKey.ofEmbedder(item.options, item.files.collect { path -> file(path) })
    }
    if (item.check == 'keep') {
        return keep(item)
    }
    if (item.check == 'find') {
        def cache = new EmbeddingCache(file(item.root), [model: 'kmer', strict: item.strict], [])
        return cache.find(item.files.collect { path -> [path, file(path)] }).collect { found -> found[3]*.toString() }
    }
    if (item.check == 'change') {
        return change(item)
    }
    if (item.check == 'place') {
        return EmbeddingCache.place(null, file(item.work)).toString()
    }
    if (item.check == 'skipped') {
        SkippedRecords.publish(item.outdir, item.tables.collect { source, path -> [source, file(path)] })
        return file(item.outdir).resolve('skipped.csv').text
    }
    if (item.check == 'overwrite') {
        return overwrite(file(item.path), item)
    }
    return Plan.parts(file(item.path))
}

/** Keeps the outputs of as many tasks as there are folders, at once, for one file. */
def keep(item) {
    def cache = new EmbeddingCache(file(item.root), [model: 'kmer'], [])
    def key = EmbeddingKey.ofSequences(file(item.fasta))
    def kept = java.util.Collections.synchronizedList([])
    def threads = item.tasks.collect { task ->
        Thread.start { kept << cache.keep('a', key, ['a.h5', 'a.description', 'a.json', 'a.csv'].collect { name -> file("${task}/${name}") }.findAll { path -> path.exists() }) }
    }
    threads*.join()
    return kept.unique().collect { files -> files*.toString() }
}

/** Keeps the outputs of a task during which a file was changed. Returns which are in the cache afterwards, and whether the file is found. */
def change(item) {
    def cache = new EmbeddingCache(file(item.root), [model: 'model'], [file(item.model)])
    def (source, key) = cache.find([['a', file(item.fasta)]])[0]
    file(item.changed).text = item.text
    def files = ['a.h5', 'a.description', 'a.json'].collect { name -> file("${item.task}/${name}") }
    def kept = cache.keep(source, key, files)
    return [kept == files, cache.find([['a', file(item.fasta)]])[0][3] != null]
}

/** Replaces the content of a file, with another time or the same. */
def overwrite(path, item) {
    def time = java.nio.file.Files.getLastModifiedTime(path)
    path.text = item.text
    java.nio.file.Files.setLastModifiedTime(path, item.same_time ? time : java.nio.file.attribute.FileTime.fromMillis(0))
    return null
}
