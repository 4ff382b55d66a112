using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Tests.Training;

public sealed class CheckpointQueueTests
{
    private readonly CheckpointQueue _queue = new();
    private readonly List<int> _filesWritten = [];

    [Fact]
    public void However_long_the_disk_refuses_no_more_than_three_copies_are_in_memory()
    {
        Add(0, isBest: true);
        PendingCheckpoint writing = _queue.Begin()!;
        for (int epoch = 1; epoch < 50; epoch++)
        {
            Add(epoch, isBest: epoch % 7 == 0);
            Assert.InRange(_queue.Copies, 1, 3);
        }

        _queue.End(writing);
        Assert.Equal([.. Enumerable.Range(1, 49)], Drain(out int[] saved));
        Assert.Equal([49], saved);
    }

    [Fact]
    public void The_newest_and_the_newest_best_are_kept_and_the_files_of_all()
    {
        Add(0, isBest: true);
        Add(1, isBest: true);
        Add(2);
        Add(3);

        Assert.Equal([0, 1, 2, 3], Drain(out int[] saved));
        Assert.Equal([1, 3], saved);
        Assert.True(_queue.IsEmpty);
    }

    [Fact]
    public void What_the_disk_refuses_comes_first_again()
    {
        Add(0, isBest: true);
        Add(1);
        PendingCheckpoint refused = _queue.Begin()!;
        Assert.False(_queue.IsEmpty);
        _queue.Keep(refused);

        Assert.Equal([0, 1], Drain(out int[] saved));
        Assert.Equal([0, 1], saved);
    }

    [Fact]
    public void What_was_refused_and_is_superfluous_meanwhile_keeps_only_its_files()
    {
        Add(0);
        PendingCheckpoint refused = _queue.Begin()!;
        Add(1);
        _queue.Keep(refused);

        Assert.Equal([0, 1], Drain(out int[] saved));
        Assert.Equal([1], saved);
    }

    [Fact]
    public void Memory_is_used_again()
    {
        CheckpointDraft first = _queue.TakeMemory();
        _queue.Add(Pending(first, 0, isBest: false));
        _queue.End(_queue.Begin()!);

        Assert.Same(first, _queue.TakeMemory());
    }

    private void Add(int epoch, bool isBest = false) => _queue.Add(Pending(_queue.TakeMemory(), epoch, isBest));

    private PendingCheckpoint Pending(CheckpointDraft draft, int epoch, bool isBest) =>
        new(draft, new CheckpointLabel(new TrainingCursor(epoch + 1, 0, epoch), epoch, null, isBest), () => _filesWritten.Add(epoch), 0, TimeSpan.Zero);

    private int[] Drain(out int[] saved)
    {
        List<int> epochs = [];
        while (_queue.Begin() is { } next)
        {
            next.WriteFiles!();
            if (next.Draft is not null)
                epochs.Add(next.Label.CompletedEpoch!.Value);
            _queue.End(next);
        }

        saved = [.. epochs];
        return [.. _filesWritten];
    }
}
