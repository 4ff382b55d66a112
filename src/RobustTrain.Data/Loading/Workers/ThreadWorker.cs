using RobustTrain.Data.Loading.Ring;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading.Workers;

/// <summary>A worker that is a thread of this process. It can't be killed: what is stuck is abandoned, and leaves when it comes back.</summary>
internal sealed class ThreadWorker : IWorker
{
    private readonly object _gate = new();
    private readonly SampleRing _ring;
    private readonly WorkerLoop _loop;
    private readonly Action _ended;
    private readonly Thread _thread;
    private readonly List<CountedBlock> _kept = [];
    private WorkerExit? _exit;
    private volatile int _systemId;

    public ThreadWorker(SampleRing ring, WorkerLoop loop, int number, Action ended)
    {
        _ring = ring;
        _loop = loop;
        _ended = ended;
        _thread = new Thread(Run) { IsBackground = true, Name = $"loader worker {number}" };
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

    public void Keep(CountedBlock block)
    {
        lock (_gate)
        {
            if (_exit is null)
            {
                _kept.Add(block);
                return;
            }
        }

        block.Release();
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
            foreach (CountedBlock block in _kept)
                block.Release();
            _kept.Clear();
        }

        _ring.Memory.Release();
        _ended();
    }
}
