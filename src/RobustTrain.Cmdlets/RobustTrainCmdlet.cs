using System.Collections.Concurrent;
using System.Management.Automation;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets;

/// <summary>
/// The base of every cmdlet: asynchronous work in a pipeline that is not. The overrides run on the thread pool and hand whatever
/// PowerShell allows on its pipeline thread only (objects, errors, warnings, progress, questions) to that thread, which waits in
/// the meantime. One token tells them to end: at Ctrl+C, when a command downstream has seen enough (<c>Select-Object -First</c>),
/// and when an error is to end the pipeline.
/// </summary>
public abstract class RobustTrainCmdlet : PSCmdlet, IDisposable
{
    private static readonly TimeSpan Noticeable = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopping = new();
    private PipelineThread? _pipeline;

    /// <summary>
    /// How long a stopped pipeline waits for the work to end before it leaves it behind. A cmdlet whose work ends something of
    /// value (a training that writes its checkpoint) gives it more.
    /// </summary>
    protected virtual TimeSpan StopGrace => TimeSpan.FromSeconds(2);

    /// <summary>What the operator is told where a stopped pipeline has to wait noticeably; null for nothing.</summary>
    protected virtual string? StopNotice => null;

    /// <summary>Called on the pipeline thread when a stopped pipeline's work has ended, or its grace is over.</summary>
    protected virtual void AfterStop()
    {
    }

    /// <inheritdoc cref="Cmdlet.BeginProcessing"/>
    protected virtual Task BeginProcessingAsync(CancellationToken stopping) => Task.CompletedTask;

    /// <inheritdoc cref="Cmdlet.ProcessRecord"/>
    protected virtual Task ProcessRecordAsync(CancellationToken stopping) => Task.CompletedTask;

    /// <inheritdoc cref="Cmdlet.EndProcessing"/>
    protected virtual Task EndProcessingAsync(CancellationToken stopping) => Task.CompletedTask;

    /// <summary>Sends an object down the pipeline; completes when the commands after this one have taken it.</summary>
    protected Task WriteObjectAsync(object? value) => WriteAsync(() => base.WriteObject(value));

    /// <summary>Writes a record to the error stream.</summary>
    protected Task WriteErrorAsync(ErrorRecord error) => WriteAsync(() => base.WriteError(error));

    /// <summary>Writes an exception to the error stream, as the record that <see cref="ErrorRecords"/> makes of it.</summary>
    /// <param name="exception">What went wrong.</param>
    /// <param name="target">The object at fault, where the exception does not know it.</param>
    protected Task WriteErrorAsync(Exception exception, object? target = null) => WriteErrorAsync(ErrorRecords.From(exception, target));

    /// <summary>Ends the pipeline with an error, whatever <c>$ErrorActionPreference</c> says.</summary>
    protected Task ThrowTerminatingErrorAsync(Exception exception) => WriteAsync(() => base.ThrowTerminatingError(ErrorRecords.From(exception, target: null)));

    /// <summary>Writes to the warning stream.</summary>
    protected Task WriteWarningAsync(string message) => WriteAsync(() => base.WriteWarning(message));

    /// <summary>Writes to the verbose stream.</summary>
    protected Task WriteVerboseAsync(string message) => WriteAsync(() => base.WriteVerbose(message));

    /// <summary>Tells the operator something that is no result: as Write-Host does.</summary>
    protected Task WriteHostAsync(string message) => WriteAsync(() => base.WriteInformation(new HostInformationMessage { Message = message }, ["PSHOST"]));

    /// <summary>Shows progress.</summary>
    protected Task WriteProgressAsync(ProgressRecord progress) => WriteAsync(() => base.WriteProgress(progress));

    /// <summary>Does work that says what it is at, and shows that as progress, five times a second at most.</summary>
    /// <param name="activity">What the work is.</param>
    /// <param name="work">The work; it is handed what to say it by.</param>
    /// <param name="stopping">Cancelled when the cmdlet is to stop.</param>
    private protected async Task<T> WithProgressAsync<T>(string activity, Func<Action<string>, T> work, CancellationToken stopping)
    {
        long next = 0;
        T result = work(Show);
        await WriteProgressAsync(new ProgressRecord(1, activity, "done") { RecordType = ProgressRecordType.Completed });
        return result;

        void Show(string what)
        {
            if (Environment.TickCount64 < next)
                return;
            next = Environment.TickCount64 + 200;
            WriteProgressAsync(new ProgressRecord(1, activity, what)).Wait(stopping);
        }
    }

    /// <summary>Asks, or says under -WhatIf, whether something is to be changed.</summary>
    protected Task<bool> ShouldProcessAsync(string target, string action) => Pipeline.WriteAsync(() => base.ShouldProcess(target, action));

    /// <summary>Whether -WhatIf is given, or $WhatIfPreference says it. For the pipeline thread.</summary>
    protected bool IsWhatIf => LanguagePrimitives.IsTrue(MyInvocation.BoundParameters.GetValueOrDefault("WhatIf") ?? SessionState.PSVariable.GetValue("WhatIfPreference"));

    /// <summary>Runs what needs the pipeline thread there: session state, providers, the host.</summary>
    protected Task<T> OnPipelineThread<T>(Func<T> action) => Pipeline.InvokeAsync(action);

    /// <inheritdoc cref="OnPipelineThread{T}"/>
    protected Task OnPipelineThread(Action action) => Pipeline.InvokeAsync<object?>(() =>
    {
        action();
        return null;
    });

    /// <summary>The absolute path in the file system of a path as PowerShell means it: relative to <c>$PWD</c>, drives and ~ included, wildcards taken literally.</summary>
    protected Task<string> ResolvePathAsync(string path) => OnPipelineThread(() => ResolvePath(path));

    /// <inheritdoc cref="ResolvePathAsync"/>
    /// <remarks>For the pipeline thread.</remarks>
    protected string ResolvePath(string path)
    {
        string resolved = SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out ProviderInfo provider, out _);
        return provider.Name == "FileSystem" ? resolved : throw new NotAFileSystemPathException(path, provider.Name);
    }

    /// <summary>
    /// The folders that a path means: those that match a pattern, or, where none does, the one of this very name, with a warning where that
    /// is missing too; any other path itself, its escapes taken off.
    /// </summary>
    /// <param name="path">The path.</param>
    /// <param name="isLiteral">Whether wildcards and escapes in it stand for themselves.</param>
    protected Task<IReadOnlyCollection<string>> ResolveFoldersAsync(string path, bool isLiteral) => OnPipelineThread(() => isLiteral ? [ResolvePath(path)] : Matching(path, Directory.Exists, "NoFolderMatches"));

    /// <summary>The folders and the images that a path with wildcards means; one without means itself, whether it is there or not.</summary>
    protected Task<IReadOnlyCollection<string>> ResolveImagesAsync(string path) => OnPipelineThread(() => Matching(path, found => Directory.Exists(found) || IsImage(found), "NoImageMatches"));

    /// <summary>The folder in the file system that the session stands in, whatever drive it stands on.</summary>
    protected Task<string> CurrentFolderAsync() => OnPipelineThread(() => SessionState.Path.CurrentFileSystemLocation.ProviderPath);

    /// <inheritdoc/>
    protected sealed override void BeginProcessing() => Run(BeginProcessingAsync);

    /// <inheritdoc/>
    protected sealed override void ProcessRecord() => Run(ProcessRecordAsync);

    /// <inheritdoc/>
    protected sealed override void EndProcessing() => Run(EndProcessingAsync);

    /// <inheritdoc/>
    protected sealed override void StopProcessing()
    {
        try
        {
            _stopping.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // PowerShell may stop a pipeline whose last command has just ended.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases what the cmdlet holds; called by PowerShell when the pipeline has ended, however it ended.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
            _stopping.Dispose();
    }

    private IReadOnlyCollection<string> Matching(string path, Func<string, bool> isMeant, string warning)
    {
        if (!WildcardPattern.ContainsWildcardCharacters(path))
            return [ResolvePath(WildcardPattern.Unescape(path))];

        IEnumerable<string> found = GetResolvedProviderPathFromPSPath(path, out ProviderInfo provider);
        if (provider.Name != "FileSystem")
            throw new NotAFileSystemPathException(path, provider.Name);
        string[] meant = [.. found.Where(isMeant)];
        if (meant.Length == 0 && ResolvePath(path) is var named && isMeant(named))
            return [named];
        if (meant.Length == 0)
            WriteWarning(Strings.Format(warning, path));
        return meant;
    }

    private static bool IsImage(string file) => System.IO.Path.GetExtension(file).ToLowerInvariant() is ".png" or ".jpg" or ".jpeg" or ".bmp";

    private PipelineThread Pipeline => _pipeline ?? throw new InvalidOperationException("There is no pipeline to write to outside of Begin-, Process- and EndProcessingAsync.");

    private Task WriteAsync(Action write) => Pipeline.WriteAsync<object?>(() =>
    {
        try
        {
            write();
            return null;
        }
        finally
        {
            // A shell in a background job must not touch the terminal of the one in front.
            if (Host.Name == "ConsoleHost")
                Terminal.KeepInputAtInterrupt();
        }
    });

    private void Run(Func<CancellationToken, Task> body)
    {
        CancellationToken token = _stopping.Token;
        using var thread = new PipelineThread();
        _pipeline = thread;
        Task work = Task.Run(() => body(token), CancellationToken.None);
        try
        {
            thread.RunUntil(work, token);
        }
        catch
        {
            // Ctrl+C, a command downstream that has seen enough, or an action preference: PowerShell's exception is passed on
            // as it is, once the work has ended or its grace is over.
            StopProcessing();
            thread.Refuse();
            WaitForEnd(work);
            AfterStop();
            throw;
        }
        finally
        {
            _pipeline = null;
        }

        Exception? failure = work.Exception?.InnerException;
        if (token.IsCancellationRequested && (work.IsCanceled || failure is OperationCanceledException or PipelineStoppedException))
            throw new PipelineStoppedException();

        if (work.IsCanceled)
            failure = new OperationCanceledException();

        if (failure is not null)
            Report(failure);
    }

    private void Report(Exception failure)
    {
        ErrorRecord record = ErrorRecords.From(failure, target: null);
        if (ErrorRecords.IsExpected(failure))
            base.WriteError(record);
        else
            ThrowTerminatingError(record);
    }

    private void WaitForEnd(Task work)
    {
        // An exception of work that was told to end has no reader any more; WhenAny looks at none.
        Task ended = Task.WhenAny(work, Task.Delay(StopGrace, CancellationToken.None));
        if (StopNotice is null || ended.Wait(Noticeable))
        {
            ended.Wait(CancellationToken.None);
            return;
        }

        // The streams of a stopped pipeline are closed; the host is not.
        Host.UI.WriteWarningLine(StopNotice);
        ended.Wait(CancellationToken.None);
    }
}

/// <summary>The pipeline thread as asynchronous work sees it: a queue of actions that it takes in order while it waits for the work to end.</summary>
internal sealed class PipelineThread : IDisposable
{
    private readonly BlockingCollection<IPipelineAction> _actions = [];
    private readonly int _threadId = Environment.CurrentManagedThreadId;
    private readonly Lock _gate = new();
    private bool _refused;

    /// <summary>Writes to PowerShell on the pipeline thread, after what was handed over before. Whatever that throws (a stop, an error of a command downstream, an action preference) ends the pipeline and is PowerShell's; the work gets a <see cref="PipelineStoppedException"/>.</summary>
    /// <exception cref="PipelineStoppedException">The pipeline takes nothing any more.</exception>
    public Task<T> WriteAsync<T>(Func<T> write) => HandOver(write, endsPipeline: true);

    /// <summary>Asks something of PowerShell on the pipeline thread, after what was handed over before. Whatever that throws goes to the work that asked.</summary>
    /// <exception cref="PipelineStoppedException">The pipeline takes nothing any more.</exception>
    public Task<T> InvokeAsync<T>(Func<T> action) => HandOver(action, endsPipeline: false);

    private Task<T> HandOver<T>(Func<T> action, bool endsPipeline)
    {
        if (Environment.CurrentManagedThreadId == _threadId)
            return Task.FromResult(action());

        var pending = new PipelineAction<T>(action, endsPipeline);
        lock (_gate)
        {
            if (_refused || _actions.IsAddingCompleted)
                pending.Refuse();
            else
                _actions.Add(pending, CancellationToken.None);
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
            foreach (IPipelineAction action in _actions.GetConsumingEnumerable(stopping))
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
        lock (_gate)
        {
            _refused = true;
            while (_actions.TryTake(out IPipelineAction? action))
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
        lock (_gate)
            _actions.CompleteAdding();
    }

    private interface IPipelineAction
    {
        void Run();

        void Refuse();
    }

    private sealed class PipelineAction<T>(Func<T> action, bool endsPipeline) : IPipelineAction
    {
        private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Completion => _completion.Task;

        public void Run()
        {
            try
            {
                _completion.SetResult(action());
            }
            catch (Exception) when (endsPipeline)
            {
                Refuse();
                throw;
            }
            catch (Exception failure)
            {
                _completion.SetException(failure);
            }
        }

        public void Refuse() => _completion.TrySetException(new PipelineStoppedException());
    }
}

/// <summary>A path leads into a provider that is not the file system (a registry key, a variable).</summary>
public sealed class NotAFileSystemPathException(string path, string provider)
    : RunException(ExitCode.Configuration, "PathNotInFileSystem", Strings.Format("PathNotInFileSystem", path, provider), path);
