namespace RobustTrain.Data.Loading;

/// <summary>The program that is a process worker.</summary>
/// <param name="FileName">The executable.</param>
/// <param name="Arguments">Its arguments.</param>
public sealed record WorkerCommand(string FileName, IReadOnlyList<string> Arguments)
{
    /// <summary>The command that makes <c>robusttrain</c> a process worker.</summary>
    public const string Verb = "loader-worker";

    /// <summary>Finds <c>robusttrain</c>: this very program, or the one beside it.</summary>
    /// <exception cref="LoaderException">It is neither.</exception>
    public static WorkerCommand Find()
    {
        string? self = Environment.ProcessPath;
        if (self is not null && Path.GetFileNameWithoutExtension(self) == "robusttrain")
            return new WorkerCommand(self, [Verb]);
        string host = Path.Combine(AppContext.BaseDirectory, "robusttrain");
        string assembly = host + ".dll";
        if (File.Exists(host))
            return new WorkerCommand(host, [Verb]);
        if (File.Exists(assembly))
            return new WorkerCommand("dotnet", [assembly, Verb]);
        throw new LoaderException($"Process workers need the program 'robusttrain', which is not in '{AppContext.BaseDirectory}'.");
    }
}
