// FASTA -> shards, with those that were given as they are.

include { EMBED_SEQUENCES } from '../modules/embed_sequences/main.nf'

workflow EMBED {
    take:
    files   // see lib/InputFiles.groovy
    options // of embed-sequences: names and values
    request // see lib/Request.groovy

    main:
    def fasta = files.findAll { file -> file.kind == 'fasta' }
    def given = files.findAll { file -> file.kind == 'shard' }
    def sequences = channel.fromList(fasta.collect { file -> [file.source, file.path] })
    def checkpoints = Embedding.checkpoints(options, workflow.workDir)
    EMBED_SEQUENCES(sequences, request.embedding.files, options, checkpoints, request.workers.embed_sequences)

    // The order is part of the next tasks' cache keys, so it must not depend on which task ended first. Where a task has
    // failed, the list is short, and nothing must be made of it.
    shards = EMBED_SEQUENCES.out.shard
        .mix(channel.fromList(given.collect { file -> [file.source, file.path] }))
        .toSortedList { a, b -> a[0] <=> b[0] }
        .filter { pairs -> pairs.size() == files.size() }
        .map { pairs -> pairs.collect { pair -> pair[1] } }

    emit:
    shards // one list
    descriptions = EMBED_SEQUENCES.out.description // [source, description] of those from FASTA
    reports = EMBED_SEQUENCES.out.report
}
