namespace TorchSharp;

/// <summary>The stack of dispose scopes of a thread.</summary>
public class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScopeManager? t_current;

    private readonly ThreadDisposeScopeStatistics _statistics = new();

    public static ThreadDisposeScopeStatistics Statistics => Current._statistics;

    internal static DisposeScopeManager Current => t_current ??= new DisposeScopeManager();

    internal LifetimeStatistics Counts => _statistics.TensorStatistics;
    internal DisposeScope? Innermost { get; private set; }

    internal DisposeScope Enter() => Innermost = new DisposeScope(this, Innermost);

    internal void Register(torch.Tensor tensor)
    {
        if (Innermost is null)
        {
            Counts.CreatedOutsideScopeCount++;
            return;
        }
        Counts.CreatedInScopeCount++;
        Innermost.Add(tensor);
    }

    /// <summary>Takes a scope off the stack, wherever it is: scopes need not be left in the order of entering.</summary>
    internal void Leave(DisposeScope scope)
    {
        if (Innermost == scope)
        {
            Innermost = scope.OuterScope;
            return;
        }
        for (DisposeScope? inner = Innermost; inner is not null; inner = inner.OuterScope)
        {
            if (inner.OuterScope != scope) continue;
            inner.OuterScope = scope.OuterScope;
            return;
        }
    }
}
