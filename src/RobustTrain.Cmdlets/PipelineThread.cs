using System.Collections.Concurrent;
using System.Management.Automation;

namespace RobustTrain.Cmdlets;

/// <summary>The pipeline thread as asynchronous work sees it: a queue of actions that it takes in order while it waits for the work to end.</summary>
internal sealed class PipelineThread : IDisposable
{
    private readonly BlockingCollection<IPipelineAction> actions = [];
    private readonly int threadId = Environment.CurrentManagedThreadId;
    private readonly Lock gate = new();
    private bool refused;

    /// <summary>Writes to PowerShell on the pipeline thread, after what was handed over before. Whatever that throws (a stop, an error of a command downstream, an action preference) ends the pipeline and is PowerShell's; the work gets a <see cref="PipelineStoppedException"/>.</summary>
    /// <exception cref="PipelineStoppedException">The pipeline takes nothing any more.</exception>
    public Task<T> WriteAsync<T>(Func<T> write) => HandOver(write, endsPipeline: true);

    /// <summary>Asks something of PowerShell on the pipeline thread, after what was handed over before. Whatever that throws goes to the work that asked.</summary>
    /// <exception cref="PipelineStoppedException">The pipeline takes nothing any more.</exception>
    public Task<T> InvokeAsync<T>(Func<T> action) => HandOver(action, endsPipeline: false);

    private Task<T> HandOver<T>(Func<T> action, bool endsPipeline)
    {
        if (Environment.CurrentManagedThreadId == threadId)
            return Task.FromResult(action());

        var pending = new PipelineAction<T>(action, endsPipeline);
        lock (gate)
        {
            if (refused || actions.IsAddingCompleted)
                pending.Refuse();
            else
                actions.Add(pending, CancellationToken.None);
        }

        return pending.Completion;
    }

    /// <summary>Takes actions until the work has ended and none is left. Called on the pipeline thread.</summary>
    /// <exception cref="OperationCanceledException">The pipeline is being stopped and the work has not ended yet.</exception>
    public void RunUntil(Task work, CancellationToken stopping)
    {
        work.ContinueWith(_ => Complete(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            foreach (IPipelineAction action in actions.GetConsumingEnumerable(stopping))
                action.Run();
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
    }

    /// <summary>Takes nothing any more; whoever waits for an action, or hands one over from now on, gets a <see cref="PipelineStoppedException"/>.</summary>
    public void Refuse()
    {
        lock (gate)
        {
            refused = true;
            while (actions.TryTake(out IPipelineAction? action))
                action.Refuse();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Refuse();
        // The collection is not disposed: work that was left behind may still complete it.
    }

    private void Complete()
    {
        lock (gate)
            actions.CompleteAdding();
    }

    private interface IPipelineAction
    {
        void Run();

        void Refuse();
    }

    private sealed class PipelineAction<T>(Func<T> action, bool endsPipeline) : IPipelineAction
    {
        private readonly TaskCompletionSource<T> completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Completion => completion.Task;

        public void Run()
        {
            try
            {
                completion.SetResult(action());
            }
            catch (Exception) when (endsPipeline)
            {
                Refuse();
                throw;
            }
            catch (Exception failure)
            {
                completion.SetException(failure);
            }
        }

        public void Refuse() => completion.TrySetException(new PipelineStoppedException());
    }
}
