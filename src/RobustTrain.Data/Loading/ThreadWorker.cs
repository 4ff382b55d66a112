using RobustTrain.Data.Stacks;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading;

/// <summary>A worker that is a thread of this process. It can't be killed: what is stuck is abandoned, and leaves when it comes back.</summary>
internal sealed class ThreadWorker : IWorker
{
    private readonly object _gate = new();
    private readonly Ring _ring;
    private readonly WorkerLoop _loop;
    private readonly Action _ended;
    private readonly Thread _thread;
    private readonly List<SharedBlock> _bequeathed = [];
    private WorkerExit? _exit;
    private volatile int _systemId;

    public ThreadWorker(Ring ring, WorkerLoop loop, int cell, Action ended)
    {
        _ring = ring;
        _loop = loop;
        _ended = ended;
        _thread = new Thread(Run) { IsBackground = true, Name = $"loader worker {cell}" };
        // The thread's own share in the ring, which it may write to after everybody else has left.
        ring.Memory.AddReference();
        _thread.Start();
    }

    public int? ProcessId => null;

    public bool CanBeKilled => false;

    public bool IsStopped => false;

    public WorkerExit? Exit
    {
        get
        {
            lock (_gate)
                return _exit;
        }
    }

    public void Kill()
    {
        // Nothing ends a thread against its will; the session takes its sample away instead.
    }

    public bool Join(TimeSpan limit) => _thread.Join(limit);

    public string DescribeActivity() => $"thread state {_thread.ThreadState}";

    public StackProbe AskForStack(Action ended) => new(Environment.ProcessId, _systemId, ended);

    public void Bequeath(SharedBlock block)
    {
        lock (_gate)
        {
            if (_exit is null)
            {
                _bequeathed.Add(block);
                return;
            }
        }

        block.Leave();
    }

    public void Dispose()
    {
        // The thread disposes of what it uses itself.
    }

    private void Run()
    {
        _systemId = ThisProcess.ThreadId;
        WorkerExit exit = new("left", WorkerLoss.Crash);
        try
        {
            _loop.Run();
        }
        catch (WorkerLostException exception)
        {
            exit = new WorkerExit($"ended ({exception.Message})", WorkerLoss.Kill);
        }
        catch (Exception exception)
        {
            exit = new WorkerExit($"ended with {exception.GetType().Name}: {exception.Message}", WorkerLoss.Crash);
        }

        lock (_gate)
        {
            _exit = exit;
            foreach (SharedBlock block in _bequeathed)
                block.Leave();
            _bequeathed.Clear();
        }

        _ring.Memory.Release();
        _ended();
    }
}
