using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.Loader;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.OwnNetworks;
using static TorchSharp.torch;

namespace RobustTrain.Training.Plugins;

/// <summary>The plug-ins of a configuration.</summary>
internal sealed class PluginSet
{
    private readonly IReadOnlyList<PluginCatalog> _plugins;

    private PluginSet(IReadOnlyList<PluginCatalog> plugins) => _plugins = plugins;

    /// <summary>Loads plug-ins; one that is loaded already stays as it is.</summary>
    /// <param name="files">The assemblies, full paths.</param>
    /// <exception cref="RunException">One is missing, no plug-in, made for another version, or fails.</exception>
    public static PluginSet Load(IReadOnlyList<string> files)
    {
        PluginCatalog[] plugins = [.. files.Select(PluginFile.Load)];
        if (plugins.GroupBy(plugin => plugin.Plugin).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new RunException(ExitCode.Configuration, "PluginNamedTwice", $"plugins has two assemblies of the name {twice.Key}; their parts would have the same names.", "plugins");
        return new PluginSet(plugins);
    }

    /// <summary>The tasks with what the plug-ins bring to them, and the plug-ins' own.</summary>
    public IReadOnlyList<TaskDefinition> Extend(IReadOnlyList<TaskDefinition> tasks)
    {
        if (_plugins.Count == 0)
            return tasks;
        TaskDefinition[] all = [.. tasks, .. _plugins.SelectMany(plugin => plugin.Tasks)];
        CheckTasks(all);
        return [.. all.Select(task => task with
        {
            Models = [.. task.Models, .. Of(task.Name, plugin => plugin.Networks, network => network.Task).Select(network => network.Name)],
            Criteria = [.. task.Criteria, .. Of(task.Name, plugin => plugin.Losses, loss => loss.Task).Select(loss => loss.Name)],
            Datasets = [.. task.Datasets, .. Of(task.Name, plugin => plugin.Datasets, dataset => dataset.Task).Select(dataset => dataset.Name)],
            Scores = [.. task.Scores, .. Of(task.Name, plugin => plugin.Scores, score => score.Task).Select(score => score.Definition)],
        })];
    }

    /// <summary>A configuration's task with the plug-ins' parts that the configuration names.</summary>
    public ITrainingTask Apply(ITrainingTask task, TrainingConfig config)
    {
        PluginNetwork? network = config.Model.Path is null ? Of(config.Task, plugin => plugin.Networks, own => own.Task).FirstOrDefault(own => own.Name == config.Model.Name) : null;
        PluginLoss? loss = Of(config.Task, plugin => plugin.Losses, own => own.Task).FirstOrDefault(own => own.Name == config.Criterion.Name);
        PluginDataset? dataset = Of(config.Task, plugin => plugin.Datasets, own => own.Task).FirstOrDefault(own => own.Name == config.Data.Dataset);
        PluginScore[] scores = [.. Of(config.Task, plugin => plugin.Scores, own => own.Task)];
        if (network is not null)
            task = new OwnNetworkTask(task, config, new OwnNetwork($"The network '{network.Name}'", seed => Build(network, config.Model, seed), network.Stride));
        return loss is null && dataset is null && scores.Length == 0 ? task : new PluginTask(task, config, loss, dataset, scores);
    }

    private static nn.Module Build(PluginNetwork network, ModelConfig config, long seed)
    {
        manual_seed(seed);
        return network.Build(config);
    }

    private IEnumerable<T> Of<T>(string task, Func<PluginCatalog, IEnumerable<T>> parts, Func<T, string> taskOf) =>
        _plugins.SelectMany(parts).Where(part => taskOf(part) == task);

    private void CheckTasks(IReadOnlyCollection<TaskDefinition> tasks)
    {
        foreach (PluginCatalog plugin in _plugins)
        {
            IEnumerable<string> named = [.. plugin.Networks.Select(own => own.Task), .. plugin.Losses.Select(own => own.Task), .. plugin.Scores.Select(own => own.Task), .. plugin.Datasets.Select(own => own.Task)];
            if (named.FirstOrDefault(name => tasks.All(task => task.Name != name)) is { } unknown)
            {
                throw new RunException(
                    ExitCode.Configuration, "PluginNotUsable",
                    $"The plug-in {plugin.Plugin} brings a part of the task '{unknown}', but the tasks are {string.Join(", ", tasks.Select(task => task.Name))}.", "plugins");
            }
        }
    }
}

/// <summary>Loads the assembly of a plug-in.</summary>
internal static class PluginFile
{
    // Registering is a list of names: what takes longer does something else.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    // An assembly that is loaded stays in the process: this knows it again.
    private static readonly ConcurrentDictionary<string, PluginCatalog> s_loaded = new(StringComparer.Ordinal);

    /// <summary>What the assembly brings.</summary>
    /// <exception cref="RunException">It is missing, no plug-in, made for another version, or fails.</exception>
    public static PluginCatalog Load(string path) => s_loaded.GetOrAdd(Path.GetFullPath(path), file => Read(file, s_limit));

    /// <summary>Reads an assembly that is not loaded yet.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limit">The longest time in which it may name its parts.</param>
    internal static PluginCatalog Read(string path, TimeSpan limit)
    {
        if (!File.Exists(path))
            throw new RunException(ExitCode.Configuration, "PluginNotFound", $"plugins names '{path}', but there is no such file; a .NET assembly is expected.", path);
        try
        {
            Assembly assembly = new PluginContext(path).LoadFromAssemblyPath(path);
            CheckVersion(assembly, path);
            Type[] types = [.. assembly.GetExportedTypes().Where(type => type.IsAssignableTo(typeof(ITrainingPlugin)) && !type.IsAbstract)];
            if (types is not [var type])
                throw NotUsable(path, $"has {types.Length} public classes that implement {nameof(ITrainingPlugin)}, but must have one");
            return Register(type, new PluginCatalog(assembly.GetName().Name!), path, limit);
        }
        catch (BadImageFormatException damaged)
        {
            throw NotUsable(path, "is no .NET assembly, or damaged", damaged);
        }
        catch (Exception broken) when (broken is FileNotFoundException or FileLoadException or TypeLoadException or ReflectionTypeLoadException)
        {
            throw NotUsable(path, $"needs what is not there: {broken.Message.Split('\n')[0].TrimEnd('.')}", broken);
        }
    }

    // What it was built against stands in it; the parts of a version change with the version's second number.
    private static void CheckVersion(Assembly assembly, string path)
    {
        AssemblyName own = typeof(ITrainingPlugin).Assembly.GetName();
        AssemblyName? built = assembly.GetReferencedAssemblies().FirstOrDefault(reference => reference.Name == own.Name);
        if (built is null)
            throw NotUsable(path, $"does not refer to {own.Name}, and so brings nothing");
        if ((built.Version!.Major, built.Version.Minor) != (own.Version!.Major, own.Version.Minor))
            throw NotUsable(path, $"was built for version {built.Version.ToString(2)} of {own.Name}, but this is {own.Version.ToString(2)}");
    }

    private static PluginCatalog Register(Type type, PluginCatalog catalog, string path, TimeSpan limit)
    {
        Exception? thrown = null;
        Thread thread = new(() =>
        {
            try
            {
                ((ITrainingPlugin)Activator.CreateInstance(type)!).Register(catalog);
            }
            catch (Exception exception)
            {
                thrown = exception is TargetInvocationException { InnerException: { } inner } ? inner : exception;
            }
        })
        { IsBackground = true, Name = $"plug-in {catalog.Plugin}" };
        thread.Start();
        if (!thread.Join(limit))
            throw NotUsable(path, $"has not named its parts within {limit.TotalSeconds} s: {type.FullName} is stuck in its constructor or in {nameof(ITrainingPlugin.Register)}");
        return thrown is null ? catalog : throw NotUsable(path, $"can't name its parts: {type.FullName} threw {thrown.GetType().Name}: {thrown.Message.Split('\n')[0].TrimEnd('.')}", thrown);
    }

    private static RunException NotUsable(string path, string problem, Exception? cause = null) =>
        new(ExitCode.Configuration, "PluginNotUsable", $"The plug-in '{path}' {problem}.", path, cause);
}

/// <summary>Where a plug-in's assemblies are loaded: those that we have too are ours, the others its own.</summary>
internal sealed class PluginContext(string path) : AssemblyLoadContext(Path.GetFileNameWithoutExtension(path))
{
    private readonly AssemblyDependencyResolver _resolver = new(path);

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (Default.Assemblies.Any(known => known.GetName().Name == assemblyName.Name) || File.Exists(Path.Combine(AppContext.BaseDirectory, assemblyName.Name + ".dll")))
            return null;
        return _resolver.ResolveAssemblyToPath(assemblyName) is { } file ? LoadFromAssemblyPath(file) : null;
    }

    /// <inheritdoc/>
    protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
        _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } file ? LoadUnmanagedDllFromPath(file) : 0;
}
