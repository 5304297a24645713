// FASTA -> parts of large files -> shards, with those that were given as they are.

include { SPLIT_SEQUENCES } from '../modules/split_sequences/main.nf'
include { EMBED_SEQUENCES } from '../modules/embed_sequences/main.nf'

workflow EMBED {
    take:
    files   // see lib/InputFiles.groovy
    options // of embed-sequences: names and values
    request // see lib/Request.groovy

    main:
    def checkpoints = Embedding.checkpoints(options, workflow.workDir)
    def given = files.findAll { file -> file.kind == 'shard' }.collect { file -> [file.source, file.path] }
    def (large, whole) = files.findAll { file -> file.kind == 'fasta' }
        .split { file -> SequenceParts.isLarge(file, request.part_residues) }
        .collect { list -> list.collect { file -> [file.source, file.path] } }

    SPLIT_SEQUENCES(channel.fromList(large), request.part_residues, request.workers.split_sequences)
    parts = SPLIT_SEQUENCES.out.parts.map { source, list -> SequenceParts.keep(source, list, workflow.workDir) }
    sequences = channel.fromList(whole).mix(parts.flatMap { list -> list })
    EMBED_SEQUENCES(sequences, request.embedding.files, options, checkpoints, request.workers.embed_sequences)

    // Where a task has failed, a list is short, and nothing must be made of it.
    expected = parts.toList()
        .filter { lists -> lists.size() == large.size() }
        .map { lists -> whole.size() + given.size() + lists.sum(0) { list -> list.size() } }
    // The order is part of the next tasks' cache keys, so it must not depend on which task ended first.
    shards = EMBED_SEQUENCES.out.shard
        .mix(channel.fromList(given))
        .toSortedList { a, b -> a[0] <=> b[0] }
        .map { pairs -> [pairs] }
        .combine(expected)
        .filter { pairs, count -> pairs.size() == count }
        .map { pairs, _count -> pairs.collect { pair -> pair[1] } }
        .first()

    emit:
    shards // one list
    descriptions = EMBED_SEQUENCES.out.description // [source, description] of those from FASTA
    reports = SPLIT_SEQUENCES.out.report.mix(EMBED_SEQUENCES.out.report)
}
