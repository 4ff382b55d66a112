using System.Buffers;

namespace RobustTrain.Runs.Events;

/// <summary>
/// A run's journal on disk: <c>events.ndjson</c>, one JSON object a line, each line appended by one write. Keeps <c>run.json</c>
/// in step with what is written.
/// </summary>
public sealed class RunJournal : IRunJournal, IDisposable
{
    private readonly RunFolder _run;
    private readonly TimeProvider _time;
    private readonly FileStream _file;
    private readonly ArrayBufferWriter<byte> _line = new(512);
    private readonly Queue<RunEvent> _unrecorded = new();
    private readonly Lock _gate = new();

    /// <summary>Opens the journal of a run, to go on after its last whole line.</summary>
    /// <exception cref="IOException">It can't be written.</exception>
    public RunJournal(RunFolder run, TimeProvider? time = null)
    {
        _run = run;
        _time = time ?? TimeProvider.System;
        _file = new FileStream(run.JournalPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, bufferSize: 0);
        CutTornLine(_file);
    }

    /// <summary>
    /// Appends an event. Where the disk takes the line and not the record, the record follows with the next event;
    /// <see cref="RunFinished"/>, after which there is none, is refused then.
    /// </summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Write(RunEvent runEvent)
    {
        lock (_gate)
        {
            RunEvent timed = runEvent.Time == default ? runEvent with { Time = _time.GetUtcNow() } : runEvent;
            _line.ResetWrittenCount();
            EventLine.Write(_line, timed);
            long start = _file.Position;
            try
            {
                _file.Write(_line.WrittenSpan);
            }
            catch (IOException)
            {
                // A full disk may have taken half of the line; the next one must not be glued to it.
                _file.SetLength(start);
                throw;
            }

            if (RunProgress.IsSeenBy(timed))
                _unrecorded.Enqueue(timed);
            TryRecord(timed);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
            _file.Dispose();
    }

    // The line is written, and would be written twice were it refused now.
    private void TryRecord(RunEvent written)
    {
        // A checkpoint's own word can wait for the next event: the record costs a flush.
        if (_unrecorded.Count == 0 || written is CheckpointSaved)
            return;
        try
        {
            _run.Update(record => _unrecorded.Aggregate(record, RunProgress.Apply));
            _unrecorded.Clear();
        }
        catch (Exception refused) when (written is not RunFinished && refused is IOException or UnauthorizedAccessException)
        {
            // Nothing is lost: what the record lacks is kept, and told where it matters, at the end.
        }
        catch (RunException)
        {
            // The run is another process's now, which is told once, to the trainer: a thread of the loader has nobody to tell.
            _unrecorded.Clear();
            throw;
        }
    }

    // A process that was killed, or a disk that was full, in the middle of a line has not written it.
    private static void CutTornLine(FileStream file)
    {
        long end = file.Length;
        Span<byte> last = stackalloc byte[1];
        while (end > 0)
        {
            file.Position = end - 1;
            file.ReadExactly(last);
            if (last[0] == (byte)'\n')
                break;
            end--;
        }

        if (end < file.Length)
            file.SetLength(end);
        file.Position = end;
    }
}
